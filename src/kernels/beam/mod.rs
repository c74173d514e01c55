//! What a beam of several energies leaves of itself behind matter.

pub mod signal;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&signal::SHADER];
