//! Thresholds and ranks from a histogram, so that the image itself may be streamed, masked or elsewhere.

pub mod limit;
pub mod rank;
pub mod triangle;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&limit::SHADER, &rank::SHADER, &triangle::SHADER];
