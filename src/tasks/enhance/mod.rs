//! Enhancement of radiographs as one graph: mask, local histogram equalisation, Laplacian pyramid, tone curve.

mod chain;
mod foreground;
mod given_mask;
mod levels;
mod named;
mod options;
mod preset;
mod region;
mod stage;

pub use chain::{Enhanced, Enhancement};
pub use given_mask::GivenMask;
pub use options::{
    ClaheOptions, Collimation, Depth, EnhanceOptions, LaplacianOptions, MaskOptions, Polarity, Response, ToneOptions,
};
pub use preset::{Preset, PresetError};
pub use stage::Stage;

use super::TaskError;
