//! The collimated field of a radiograph: its borders, and its mask.
//!
//! See [`super::borders`] for the rule.

use super::{borders, rectangle, step_down, step_right};
use crate::{
    engine::{Buffer, Graph},
    kernels::{Mask, Pixels},
};

/// A bit for each side of an image.
pub const ALL_SIDES: u32 = 0b1111;

/// Which straight edges are taken for those of blades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blades {
    /// Any: only the size of steps matters, whichever way round the grey values are.
    Any,
    /// Those beyond which the image is brighter, as behind lead where bright means dense: what is straight in a body, like a
    /// spine, is bright within.
    Dense {
        /// Bits of the sides where one may be: left, top, right, bottom.
        sides: u32,
    },
}

impl Blades {
    /// As kernels know it.
    pub(super) fn inward(self) -> u32 {
        u32::from(self != Self::Any)
    }

    /// Bits of the sides that are looked at.
    pub(super) fn sides(self) -> u32 {
        match self {
            Self::Any => ALL_SIDES,
            Self::Dense { sides } => sides,
        }
    }
}

/// Records the borders of the exposed field: left, top, right, bottom, the last two exclusive.
///
/// A side without a blade has the edge of the image. Sides of the image are at most 65,536 pixels.
pub fn borders(graph: &mut Graph<'_>, pixels: Pixels, blades: Blades) -> Buffer<u32> {
    let right = step_right::record(graph, pixels, blades);
    let down = step_down::record(graph, pixels, blades);
    borders::record(graph, right, down, pixels.size, pixels.levels(), blades)
}

/// Records the mask of the exposed field.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, blades: Blades) -> Mask {
    let borders = borders(graph, pixels, blades);
    rectangle::record(graph, borders, pixels.size)
}
