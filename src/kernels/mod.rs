//! Kernels: each a WGSL shader, its parameters, its CPU twin and the function that records it.
//!
//! Kernels know one geometry only, explicit views; they read no file and start no thread.

mod pixels;
pub(crate) mod prelude;
mod registry;

pub mod beam;
pub mod clahe;
pub mod detector;
pub mod fdk;
pub mod fourier;
pub mod histogram;
pub mod mask;
pub mod noise;
pub mod pointwise;
pub mod project;
pub mod pyramid;
pub mod statistics;
pub mod threshold;
pub mod transport;
pub mod variation;

pub use pixels::{Mask, Pixels};
pub use registry::shaders;
