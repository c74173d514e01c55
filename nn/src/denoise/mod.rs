//! Denoising of radiographs: the noise is measured, the chain entered where its noise is the image's, the image taken
//! through the network in tiles, several at once.

mod denoised;
pub mod evaluation;
mod layout;
mod memory;
mod options;
mod run;
mod scale;
mod tiles;
pub mod training;

pub use denoised::{Denoised, Unchanged};
pub use options::{DenoiseOptions, Noise, Sampler};
pub use run::Denoiser;
pub use tiles::Axis;

/// A denoiser, or a network trained beside one.
pub type Model = crate::Model<training::Recipe>;
/// The card of one.
pub type Card = crate::Card<training::Recipe>;
