//! The mask of a radiograph's field or object, cleaned.

use super::{combine, components, expand, morphology, reduce};
use crate::{engine::Graph, kernels::Mask};

/// How a mask is cleaned. Radii are in pixels of the reduced mask; 0 leaves the step out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleaning {
    /// Longest side of the reduced mask: what it is cleaned at.
    pub longest: u32,
    /// Radius of the opening, which removes specks and thin bridges.
    pub opening: u32,
    /// Radius of the closing after it, which bridges gaps.
    pub closing: u32,
    /// Whether only the largest component stays.
    pub largest: bool,
    /// Whether holes are filled.
    pub fill: bool,
}

impl Default for Cleaning {
    /// At 1024 pixels, opened by 2, the largest component, its holes filled.
    fn default() -> Self {
        Self { longest: 1024, opening: 2, closing: 0, largest: true, fill: true }
    }
}

impl Cleaning {
    /// Factor by which a mask of `size` is reduced.
    #[must_use]
    pub fn factor(&self, size: [u32; 2]) -> u32 {
        size[0].max(size[1]).div_ceil(self.longest.max(1))
    }
}

/// Records the cleaning of a thresholded mask, from the first step to the last:
///
/// 1. [`reduce::record`] by the smallest factor that makes the longest side fit,
/// 2. opening, closing, largest component, holes, as far as they are asked for,
/// 3. back to full size, with the edge of the full mask:
///
/// ```text
/// result = (full ∧ expand(dilate(clean, 1))) ∨ expand(erode(clean, 1))
/// ```
/// The eroded mask is surely inside, what the dilated one leaves out is surely outside, and in the seam between them,
/// three reduced pixels wide, the threshold itself decides. Holes of the full mask in that seam stay. At factor 1 the
/// clean mask is the result: its edge is as fine as the threshold's.
pub fn record(graph: &mut Graph<'_>, full: Mask, cleaning: &Cleaning) -> Mask {
    let factor = cleaning.factor(full.size);
    let reduced = reduce::record(graph, full, factor);
    let opened = morphology::open(graph, reduced, cleaning.opening);
    let closed = morphology::close(graph, opened, cleaning.closing);
    let kept = if cleaning.largest { components::largest(graph, closed) } else { closed };
    let clean = if cleaning.fill { components::fill_holes(graph, kept) } else { kept };
    if factor == 1 {
        return clean;
    }
    let outer = morphology::dilate(graph, clean, 1);
    let outer = expand::record(graph, outer, factor, full.size);
    let inner = morphology::erode(graph, clean, 1);
    let inner = expand::record(graph, inner, factor, full.size);
    let within = combine::and(graph, full, outer);
    combine::or(graph, within, inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_side_fits_after_the_reduction() {
        let cleaning = Cleaning::default();
        for (size, factor) in [([1, 1], 1), ([1024, 7], 1), ([7, 1025], 2), ([4000, 4000], 4), ([4300, 100], 5)] {
            assert_eq!(cleaning.factor(size), factor);
            assert!(size.iter().all(|length: &u32| length.div_ceil(factor) <= cleaning.longest));
        }
    }
}
