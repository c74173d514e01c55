use super::{Curve, band, collapse as collapsing, reduce};
use crate::engine::{Buffer, Extent, Graph};

/// How levels and expansions are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// To whole numbers, ⌊x + ½⌋; images hold whole numbers of at most 16 bits.
    ///
    /// Everything but a curve is exact then, whatever a device fuses or reorders: with weights that are whole numbers,
    /// a level is a sum of at most 256·65,535 < 2²⁴ in magnitude, an expansion one of 64·65,535, and so is each of
    /// their partial sums; division by 256 or 64 and the ½ leave at most 24 bits. A band is the difference of two
    /// whole numbers. So collapsing what was built gives the image again, to the bit, on every device.
    ///
    /// Expanding stays exact as long as the collapsed levels are below 2²⁴/64 = 2¹⁸ in magnitude, whatever the curves.
    Whole,
    /// To single precision after every operation, in the written order: tier P.
    Real,
}

impl Arithmetic {
    /// As shaders see it.
    pub(super) fn code(self) -> u32 {
        u32::from(self.is_whole())
    }

    pub(super) fn is_whole(self) -> bool {
        self == Self::Whole
    }
}

/// An image in bands.
#[derive(Clone, Debug)]
pub struct Pyramid {
    /// The image and its coarser levels, one more than there are bands; the last is the residual.
    pub gaussians: Vec<Buffer<f32>>,
    /// What each level holds beyond the next, finest first.
    pub bands: Vec<Buffer<f32>>,
    /// How both were rounded.
    pub arithmetic: Arithmetic,
}

impl Pyramid {
    /// The coarsest level, which no band describes.
    #[must_use]
    pub fn residual(&self) -> Buffer<f32> {
        self.gaussians[self.bands.len()]
    }
}

/// Records the bands of `image` (one slice) over so many levels.
pub fn build(graph: &mut Graph<'_>, image: Buffer<f32>, levels: usize, arithmetic: Arithmetic) -> Pyramid {
    let gaussians = chain(graph, image, levels, arithmetic);
    let bands = gaussians.windows(2).map(|pair| band::record(graph, pair[0], pair[1], arithmetic)).collect();
    Pyramid { gaussians, bands, arithmetic }
}

/// Records the coarser levels of `image`: itself first, the coarsest last.
pub(super) fn chain(
    graph: &mut Graph<'_>,
    image: Buffer<f32>,
    levels: usize,
    arithmetic: Arithmetic,
) -> Vec<Buffer<f32>> {
    let mut gaussians = vec![image];
    let mut level = image;
    for _ in 0..levels {
        level = reduce::record(graph, level, arithmetic);
        gaussians.push(level);
    }
    gaussians
}

/// Records the image of `bands` (finest first) and `residual`, each band through its curve.
///
/// Bands beyond the last curve stay as they are. The arithmetic is that of [`build`].
pub fn collapse(
    graph: &mut Graph<'_>,
    bands: &[Buffer<f32>],
    residual: Buffer<f32>,
    curves: &[Curve],
    arithmetic: Arithmetic,
) -> Buffer<f32> {
    let mut level = residual;
    for (k, band) in bands.iter().enumerate().rev() {
        let curve = curves.get(k).copied().unwrap_or(Curve::IDENTITY);
        level = collapsing::record(graph, level, *band, &curve, arithmetic);
    }
    level
}

/// Extent of the level that follows one of `extent`.
pub(super) fn coarser(extent: Extent) -> Extent {
    Extent { slices: extent.slices, rows: extent.rows.div_ceil(2), columns: extent.columns.div_ceil(2) }
}
