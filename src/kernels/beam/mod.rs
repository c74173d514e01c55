//! What a beam of several energies leaves of itself behind matter.

pub mod enlarge;
pub mod signal;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&enlarge::SHADER, &signal::SHADER];
