//! Filtered back-projection after Feldkamp, Davis and Kress: weights, ramp filter, back-projection.

pub mod axial;
pub mod backproject;
pub mod parallel;
pub mod ramp;
pub mod slices;
pub mod transpose;
pub mod weight;

mod run;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[
    &weight::SHADER,
    &ramp::SHADER,
    &backproject::SHADER,
    &axial::SHADER,
    &parallel::SHADER,
    &slices::SHADER,
    &transpose::SHADER,
];
