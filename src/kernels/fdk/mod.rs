//! Filtered back-projection after Feldkamp, Davis and Kress: weights, ramp filter, back-projection.

pub mod axial;
pub mod backproject;
pub mod ramp;
pub mod transpose;
pub mod weight;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] =
    &[&weight::SHADER, &ramp::SHADER, &backproject::SHADER, &axial::SHADER, &transpose::SHADER];
