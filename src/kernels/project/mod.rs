//! Forward projection: line integrals through a volume.

pub mod rays;
pub mod siddon;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&siddon::SHADER];
