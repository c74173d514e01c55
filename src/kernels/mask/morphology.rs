//! Erosion, dilation, opening and closing with a square of side 2r + 1.
//!
//! What lies outside the image is ignored: it counts as set when eroding and as unset when dilating. A square is the
//! sum of a horizontal and a vertical line, and lines add up (Serra 1982, Image Analysis and Mathematical Morphology,
//! ch. II), within a rectangular image too: what is reached by r₁ + r₂ steps is reached without leaving it. So every
//! radius is a number of passes of at most [`across::MAX_RADIUS`]; a radius of 0 takes none and gives the mask itself.

pub use super::spread::Spread;

use super::{across, down};
use crate::{engine::Graph, kernels::Mask};

/// Records the pixels with a set pixel within the square.
pub fn dilate(graph: &mut Graph<'_>, mask: Mask, radius: u32) -> Mask {
    spread(graph, mask, Spread::Dilate, radius)
}

/// Records the pixels with no unset pixel within the square.
pub fn erode(graph: &mut Graph<'_>, mask: Mask, radius: u32) -> Mask {
    spread(graph, mask, Spread::Erode, radius)
}

/// Records an opening: erosion, then dilation. What the square does not fit into is gone.
pub fn open(graph: &mut Graph<'_>, mask: Mask, radius: u32) -> Mask {
    let eroded = erode(graph, mask, radius);
    dilate(graph, eroded, radius)
}

/// Records a closing: dilation, then erosion. Gaps that the square does not fit into are filled.
pub fn close(graph: &mut Graph<'_>, mask: Mask, radius: u32) -> Mask {
    let dilated = dilate(graph, mask, radius);
    erode(graph, dilated, radius)
}

fn spread(graph: &mut Graph<'_>, mask: Mask, spread: Spread, radius: u32) -> Mask {
    // Nothing is farther away than the image is long.
    let [columns, rows] = mask.size.map(|length| radius.min(length.saturating_sub(1)));
    let mask = steps(columns).fold(mask, |mask, radius| across::record(graph, mask, spread, radius));
    steps(rows).fold(mask, |mask, radius| down::record(graph, mask, spread, radius))
}

/// A radius as a sum of what one pass can do.
fn steps(radius: u32) -> impl Iterator<Item = u32> {
    (0..radius).step_by(across::MAX_RADIUS as usize).map(move |done| (radius - done).min(across::MAX_RADIUS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_radius_is_the_sum_of_its_passes() {
        assert_eq!(steps(0).count(), 0);
        assert_eq!(steps(31).collect::<Vec<_>>(), [31]);
        assert_eq!(steps(64).collect::<Vec<_>>(), [31, 31, 2]);
    }
}
