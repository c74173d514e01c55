//! Denoising of radiographs: the noise is measured, the chain entered where its noise is the image's, the image taken
//! through the network in tiles, several at once.

mod denoised;
mod layout;
mod memory;
mod options;
mod run;
mod scale;
mod tiles;

pub use denoised::{Denoised, Unchanged};
pub use options::{DenoiseOptions, Noise, Sampler};
pub use run::Denoiser;
pub use tiles::Axis;
