//! Contrast-limited adaptive histogram equalisation (CLAHE), in the conventions of OpenCV, scikit-image and kerma.
//!
//! ```text
//! h_t[g]  clipped at L, the excess E = Σ max(h_t[g] − L, 0) given back to the bins
//! T_t[g] = (H − 1)/A · Σ_{k ≤ g} h_t[k]
//! y       = T of the four tiles whose centres are nearest, blended bilinearly
//! ```
//! where h_t is the histogram of tile t, A its sum, H the number of bins and L the clip limit (Zuiderveld, Graphics
//! Gems IV, 1994). Passes: histograms ([`crate::kernels::histogram`]), with a mask [`totals`] and [`borrow`], tables ([`lut`],
//! [`lut_opencv`], [`lut_skimage`]), and the blend ([`blend`], [`blend_opencv`], [`blend_skimage`]).
//!
//! | convention | tiles | excess | table | blend | tier |
//! |---|---|---|---|---|---|
//! | kerma | the image, cut at ⌊i·length/count⌋ | evenly over all bins | exact, bins that tiles can fill | 12-bit weights, true centres | E |
//! | OpenCV | equal, image mirrored to a multiple | `E/H` each, the rest from bin 0 on | f32 | f32 | P |
//! | scikit-image | ⌊length/count⌋ pixels, mirrored | filled up to L, again and again | 256 bins of 14 bits | f32 | P |
//!
//! scikit-image stretches the image to 14 bits before and to the full range after, from the smallest to the largest
//! value; here that is done on the device from histograms.
//!
//! **Clip limits.** OpenCV's unit is the height c of a bin of a uniform histogram, L = max(1, ⌊c·A/H⌋); scikit-image's
//! is the share s of a tile's pixels, L = max(1, ⌊s·A⌋). One is the other by s = c/H, with H = 256 or 65 536 in
//! OpenCV's convention, 256 in scikit-image's, and in kerma's as many as a tile can fill: the largest power of two up
//! to 2^bits and max(256, pixels per tile/16), each bin holding 2^bits/H neighbouring levels.
//!
//! **Masks.** Pixels outside a mask do not count, so that background and collimator take no part; A is then the number
//! of pixels in the mask, and a tile with too few of them borrows from its neighbours. All pixels are mapped. Results
//! of the foreign conventions with a mask are no longer those of the foreign libraries.

mod axes;
mod error;
mod quads;
mod tables;

pub mod blend;
pub mod blend_opencv;
pub mod blend_skimage;
pub mod borrow;
pub mod lut;
pub mod lut_opencv;
pub mod lut_skimage;
pub mod totals;

pub use error::ClaheError;

use axes::Layout;
use tables::Histograms;

use super::{
    Mask, Pixels,
    histogram::{self, Tiles},
    pointwise::{lookup, stretch},
    threshold::rank,
};
use crate::engine::{Graph, Shader};

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[
    &totals::SHADER,
    &borrow::SHADER,
    &lut::SHADER,
    &lut_opencv::SHADER,
    &lut_skimage::SHADER,
    &blend::SHADER,
    &blend_opencv::SHADER,
    &blend_skimage::SHADER,
];

/// Tiles along one axis at the most.
pub const MAX_TILES: u32 = 1024;
/// Clip limit in OpenCV's unit at the most: with 65,536 bins nothing is ever clipped there.
pub const MAX_UNIFORM: f64 = 65_536.0;

/// How much contrast a tile may gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClipLimit {
    /// Multiple of the height of a bin of a uniform histogram, as in OpenCV; in (0, [`MAX_UNIFORM`]].
    ///
    /// In kerma's convention bins are those that a tile can fill, which may be fewer than grey levels.
    Uniform(f64),
    /// Share of the tile's pixels, as in scikit-image; in (0, 1].
    Share(f64),
    /// None: plain adaptive equalisation.
    Off,
}

impl ClipLimit {
    /// Limit as the share of a tile's pixels for `bins` bins; none if nothing can exceed it.
    fn share(self, bins: u32) -> Option<f64> {
        match self {
            Self::Uniform(c) => Some(c / f64::from(bins)),
            Self::Share(s) => Some(s),
            Self::Off => None,
        }
        .filter(|s| *s < 1.0)
    }
}

/// Whose arithmetic to follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Convention {
    /// OpenCV on x86-64, versions 4.11 and 5.0, to the bit: `createCLAHE` on 8-bit pixels, or 16-bit for 9 to 16 bits.
    ///
    /// Results have 8 or 16 bits. ARM builds of OpenCV contract products and sums and may differ by one.
    OpenCv,
    /// scikit-image 0.26: `equalize_adapthist` with 256 bins and a kernel of ⌊length/tiles⌋ pixels.
    ScikitImage,
    /// Integers throughout, at most 2^bits bins that hold 16 pixels or more on average, tiles without padding.
    #[default]
    Kerma,
}

impl Convention {
    /// Names as they are written on a command line, with their conventions.
    pub const NAMES: [(&'static str, Self); 3] =
        [("kerma", Self::Kerma), ("opencv", Self::OpenCv), ("skimage", Self::ScikitImage)];
}

/// Parameters of the equalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clahe {
    /// Tiles across and down, 1 to [`MAX_TILES`].
    pub tiles: [u32; 2],
    /// Clip limit.
    pub clip: ClipLimit,
    /// Whose arithmetic to follow.
    pub convention: Convention,
}

impl Default for Clahe {
    fn default() -> Self {
        Self { tiles: [8, 8], clip: ClipLimit::Uniform(2.0), convention: Convention::Kerma }
    }
}

impl Clahe {
    /// Checks the parameters for an image of `size` pixels of `bits` bits.
    ///
    /// # Errors
    /// Says which parameter is out of which range.
    pub fn check(&self, size: [u32; 2], bits: u8) -> Result<(), ClaheError> {
        let max = match self.convention {
            Convention::ScikitImage => error::MAX_SIDE_SKIMAGE,
            Convention::OpenCv | Convention::Kerma => error::MAX_SIDE,
        };
        if size.iter().any(|n| !(1..=max).contains(n)) {
            return Err(ClaheError::Size { max, columns: size[0], rows: size[1] });
        }
        if !(1..=16).contains(&bits) {
            return Err(ClaheError::Bits(bits));
        }
        if self.tiles.iter().any(|n| !(1..=MAX_TILES).contains(n)) {
            return Err(ClaheError::Tiles { across: self.tiles[0], down: self.tiles[1] });
        }
        match self.clip {
            ClipLimit::Uniform(c) if !(c > 0.0 && c <= MAX_UNIFORM) => Err(ClaheError::Uniform(c)),
            ClipLimit::Share(s) if !(s > 0.0 && s <= 1.0) => Err(ClaheError::Share(s)),
            _ => Ok(()),
        }
    }

    /// Bits of the result for pixels of `bits`.
    #[must_use]
    pub fn bits_out(&self, bits: u8) -> u8 {
        match self.convention {
            Convention::OpenCv if bits <= 8 => 8,
            Convention::OpenCv => 16,
            Convention::ScikitImage | Convention::Kerma => bits,
        }
    }
}

/// Records the equalisation of `pixels`; where [`Clahe::check`] does not accept `clahe` for them, the graph is refused.
///
/// With a mask, only its pixels are counted, and only they decide what is done.
///
/// Shapes: `[row][column]`, packed ← the same.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, mask: Option<Mask>, clahe: &Clahe) -> Pixels {
    if let Err(error) = clahe.check(pixels.size, pixels.bits) {
        graph.refuse("clahe", error.to_string());
        return pixels;
    }
    match clahe.convention {
        Convention::OpenCv => {
            let layout = Layout::opencv(pixels.size, clahe.tiles);
            let counts = counted(graph, pixels, mask, &layout);
            let luts = lut_opencv::record(graph, &counts, clahe);
            blend_opencv::record(graph, pixels, luts, &layout, clahe.bits_out(pixels.bits))
        }
        Convention::ScikitImage => {
            let grey = stretched(graph, pixels, mask, lut_skimage::GREY_BITS);
            let layout = Layout::skimage(pixels.size, clahe.tiles);
            let counts = counted(graph, grey, mask, &layout);
            let luts = lut_skimage::record(graph, &counts, clahe.clip);
            let blended = blend_skimage::record(graph, grey, luts, &layout);
            stretched(graph, blended, mask, pixels.bits)
        }
        Convention::Kerma => {
            let layout = Layout::kerma(pixels.size, clahe.tiles);
            let counts = counted(graph, pixels, mask, &layout);
            let luts = lut::record(graph, &counts, clahe.clip);
            blend::record(graph, pixels, luts, &layout)
        }
    }
}

/// Histograms of the tiles, with what tiles of few pixels borrow.
fn counted<'l>(graph: &mut Graph<'_>, pixels: Pixels, mask: Option<Mask>, layout: &'l Layout) -> Histograms<'l> {
    let plain = histogram::record(graph, pixels, mask, &layout.tiles);
    let counts = match mask {
        Some(_) => borrow::record(graph, plain, pixels.levels(), &layout.tiles),
        None => plain,
    };
    Histograms { counts, bits: pixels.bits, is_masked: mask.is_some(), layout }
}

/// Ranks of the smallest and of the largest value, in parts per million.
const ENDS_PPM: [u32; 2] = [0, 1_000_000];

/// Pixels stretched from their smallest and largest values to all grey levels of `bits`.
fn stretched(graph: &mut Graph<'_>, pixels: Pixels, mask: Option<Mask>, bits: u8) -> Pixels {
    let counts = histogram::record(graph, pixels, mask, &Tiles::whole(pixels.size));
    let ends = rank::record(graph, counts, ENDS_PPM);
    let table = stretch::record(graph, ends, [pixels.bits, bits], stretch::NoRange::Step);
    lookup::record(graph, pixels, table, bits)
}
