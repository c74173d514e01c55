//! Forward projection: line integrals through a volume.

mod axis;
mod projector;
mod walk;

pub mod axial;
pub mod rays;
pub mod reorder;
pub mod siddon;
pub mod thickness;

pub use projector::Projector;
pub use thickness::Thicknesses;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&siddon::SHADER, &reorder::SHADER, &axial::SHADER, &thickness::SHADER];
