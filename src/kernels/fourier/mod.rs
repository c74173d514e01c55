//! Reconstruction of parallel beams in frequency: spectra of rows, a grid gathered from them, and two transforms back.

pub mod columns;
pub mod gather;
pub mod rows;
pub mod spectra;
pub mod transform;
pub mod window;

pub(in crate::kernels) mod signals;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&spectra::SHADER, &gather::SHADER, &rows::SHADER, &columns::SHADER];
