//! Noise from a counter-based generator: the same bits on every device, however an image is cut.
//!
//! Nothing is carried from pixel to pixel. A pixel's random words are a function ([`philox`]) of where it is in the
//! whole image, of a seed and of which draw it is, so that they do not depend on neighbours, on the order of
//! computation, on tiles (see [`Stream::origin`]) or on the device.
//!
//! | kernel | what it gives | tier |
//! |---|---|---|
//! | [`philox`] | random words (a function that the others share) | E |
//! | [`normal`] | standard normal numbers | P |
//! | [`quanta`] | Poisson noise of quanta and Gaussian noise of the electronics | P |
//! | [`compound`] | noise of quanta of many energies, from mean and variance | P |
//!
//! **Draws.** The fourth word of a pixel's counter is the number of the draw: 0 is [`normal`]'s, 1 the electronics', 2
//! and those that follow belong to the counts. One stream may therefore serve all kernels without any two of its
//! numbers being the same; two images that need noise of their own need two streams, or two seeds.

mod counts;
mod stream;
mod table;

pub mod compound;
pub mod normal;
pub mod philox;
pub mod poisson;
pub mod quanta;

pub use stream::Stream;
pub(in crate::kernels) use {normal::deviates, philox::philox_lanes, stream::counter};

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&compound::SHADER, &normal::SHADER, &quanta::SHADER];

/// Draw of [`normal`].
pub(in crate::kernels) const NORMAL_DRAW: u32 = 0;
/// Draw of the electronic noise of [`quanta`].
pub(in crate::kernels) const ELECTRONIC_DRAW: u32 = 1;
/// First draw of the counts of [`poisson`].
const COUNT_DRAW: u32 = 2;
