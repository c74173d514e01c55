//! The collimated field of a radiograph: its borders, and its mask.
//!
//! Works whichever way round the grey values are: only the size of steps matters. See [`super::borders`] for the rule.

use super::{borders, rectangle, step_down, step_right};
use crate::{
    engine::{Buffer, Graph},
    kernels::{Mask, Pixels},
};

/// Records the borders of the exposed field: left, top, right, bottom, the last two exclusive.
///
/// A side without a blade has the edge of the image. Sides of the image are at most 65,536 pixels.
pub fn borders(graph: &mut Graph<'_>, pixels: Pixels) -> Buffer<u32> {
    let right = step_right::record(graph, pixels);
    let down = step_down::record(graph, pixels);
    borders::record(graph, right, down, pixels.size, pixels.levels())
}

/// Records the mask of the exposed field.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels) -> Mask {
    let borders = borders(graph, pixels);
    rectangle::record(graph, borders, pixels.size)
}
