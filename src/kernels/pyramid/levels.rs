use super::{
    Arithmetic, Curve, amplify as amplifying, band, blend as blending, collapse as collapsing, reduce, reduce_pixels,
};
use crate::{
    engine::{Buffer, Graph},
    kernels::{Pixels, pointwise::widen},
};

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
    banded(graph, gaussians, arithmetic)
}

/// The same of an image of whole numbers; plans leave out its values as real numbers, and bands, unless somebody reads them.
pub fn build_pixels(graph: &mut Graph<'_>, pixels: Pixels, levels: usize, arithmetic: Arithmetic) -> Pyramid {
    let mut gaussians = vec![widen::record(graph, pixels)];
    if let Some(coarser) = levels.checked_sub(1) {
        let level = reduce_pixels::record(graph, pixels, arithmetic);
        gaussians.extend(chain(graph, level, coarser, arithmetic));
    }
    banded(graph, gaussians, arithmetic)
}

fn banded(graph: &mut Graph<'_>, gaussians: Vec<Buffer<f32>>, arithmetic: Arithmetic) -> Pyramid {
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

/// Records the image of `pixels` with each of the bands that [`build_pixels`] made of it through its curve, as pixels.
///
/// As [`collapse`] and a quantisation to the same bits, but the finest band is made on the way.
pub fn amplify(graph: &mut Graph<'_>, pixels: Pixels, pyramid: &Pyramid, curves: &[Curve]) -> Pixels {
    let (Some(reduced), Some(bands)) = (pyramid.gaussians.get(1), pyramid.bands.get(1..)) else { return pixels };
    let (curve, curves) = curves.split_first().unwrap_or((&Curve::IDENTITY, &[]));
    let coarse = collapse(graph, bands, pyramid.residual(), curves, pyramid.arithmetic);
    amplifying::record(graph, coarse, *reduced, pixels, curve, pyramid.arithmetic)
}

/// Records the blend of images `a` and `b` under `mask` (1: `a`, 0: `b`), all of one extent, over so many levels.
///
/// Coarse levels are put together first and bands made when they are needed, so that no more than one level's bands
/// are held at a time. Levels of the mask are those of [`Arithmetic::Real`].
pub fn blend(
    graph: &mut Graph<'_>,
    a: Buffer<f32>,
    b: Buffer<f32>,
    mask: Buffer<f32>,
    levels: usize,
    arithmetic: Arithmetic,
) -> Buffer<f32> {
    let first = chain(graph, a, levels, arithmetic);
    let second = chain(graph, b, levels, arithmetic);
    let weights = chain(graph, mask, levels, Arithmetic::Real);
    let mut level = blending::record(graph, [first[levels], second[levels], weights[levels]], arithmetic);
    for k in (0..levels).rev() {
        let first = band::record(graph, first[k], first[k + 1], arithmetic);
        let second = band::record(graph, second[k], second[k + 1], arithmetic);
        let blended = blending::record(graph, [first, second, weights[k]], arithmetic);
        level = collapsing::record(graph, level, blended, &Curve::IDENTITY, arithmetic);
    }
    level
}
