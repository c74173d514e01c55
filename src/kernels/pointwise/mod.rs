//! Kernels that compute each value from the values at the same place.

pub mod add_scaled;
pub mod attenuation;
pub mod clamp;
pub mod curve;
pub mod fill;
pub mod inverse;
pub mod line_integral;
pub mod lookup;
pub mod multiply;
pub mod quantise;
pub mod scale_add;
pub mod stretch;
pub mod table;
pub mod transmission;
pub mod widen;
pub mod window_level;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[
    &add_scaled::SHADER,
    &attenuation::SHADER,
    &clamp::SHADER,
    &curve::SHADER,
    &fill::SHADER,
    &inverse::SHADER,
    &line_integral::SHADER,
    &lookup::SHADER,
    &multiply::SHADER,
    &quantise::SHADER,
    &scale_add::SHADER,
    &stretch::SHADER,
    &transmission::SHADER,
    &widen::SHADER,
    &window_level::SHADER,
];

/// Sets the half-words beyond the last column to 0 in rows of `columns` pixels.
fn clear_spare(pixels: &mut [u16], columns: usize) {
    if columns % 2 == 1 {
        for spare in pixels.iter_mut().skip(columns).step_by(columns + 1) {
            *spare = 0;
        }
    }
}
