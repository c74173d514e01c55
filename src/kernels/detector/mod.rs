//! What a detector makes of the signal that reaches it: noise, blur, bins, counts of the read-out, and their correction.
//!
//! ```text
//! mean, variance → quanta → blur → bins → electronics, gains, bad pixels, digits → (raw − dark)/(flat − dark) → −ln
//! ```
//! [`DetectorSettings`] say what a detector is like, [`Chain`] records all of it. Noise of the quanta comes before the blur, which makes it
//! correlated; that of the electronics comes after it and is white. What it is held to: `docs/methods/detector.md`.
//!
//! | kernel | what it gives | tier |
//! |---|---|---|
//! | [`blur`] | an image with the detector's modulation transfer function | P |
//! | [`bin`] | means of b×b pixels | P |
//! | [`pattern`] | gains of the pixels, and which are bad | P |
//! | [`readout`] | raw counts | P |
//! | [`calibrate`] | factors of the pixels from dark and flat images | P |
//! | [`correct`] | line integrals from raw counts | P |
//!
//! Noise of the quanta is [`super::noise::compound`]'s.

mod chain;
mod mixture;
mod mtf;
mod settings;

pub mod bin;
pub mod blur;
pub mod calibrate;
pub mod correct;
pub mod pattern;
pub mod readout;

pub use chain::{Chain, Open, Recorded};
pub use mixture::{Blur, MTF_TOLERANCE};
pub use mtf::Mtf;
pub use settings::{
    BlurSettings, ConverterSettings, CorrectionSettings, DetectorSettings, ElectronicsSettings, Images,
    PatternSettings, QuantaSettings, ReadoutSettings,
};

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] =
    &[&blur::SHADER, &bin::SHADER, &pattern::SHADER, &readout::SHADER, &calibrate::SHADER, &correct::SHADER];
