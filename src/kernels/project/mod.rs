//! Forward projection: line integrals through a volume.

mod axis;
mod columns;
mod projector;
mod thicknesses;
mod walk;

pub mod axial;
pub mod axial_thickness;
pub mod rays;
pub mod reorder;
pub mod siddon;
pub mod thickness;

pub use projector::Projector;
pub use thicknesses::Thicknesses;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] =
    &[&siddon::SHADER, &reorder::SHADER, &axial::SHADER, &thickness::SHADER, &axial_thickness::SHADER];
