//! Forward projection: line integrals through a volume.

mod axis;
mod projector;

pub mod axial;
pub mod rays;
pub mod reorder;
pub mod siddon;

pub use projector::Projector;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&siddon::SHADER, &reorder::SHADER, &axial::SHADER];
