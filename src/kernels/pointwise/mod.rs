//! Kernels that compute each value from the values at the same place.

pub mod attenuation;
pub mod fill;
pub mod line_integral;
mod map;
pub mod scale_add;
pub mod transmission;
pub mod window_level;

pub use map::PointwiseParams;
