//! Kernels that compute each value from the values at the same place.

pub mod add_scaled;
pub mod attenuation;
pub mod fill;
pub mod line_integral;
pub mod lookup;
mod map;
pub mod multiply;
mod packed;
pub mod quantise;
pub mod scale_add;
pub mod stretch;
pub mod table;
pub mod transmission;
pub mod widen;
pub mod window_level;

pub use map::PointwiseParams;
