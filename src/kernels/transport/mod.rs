//! Photons followed one by one through a body: what they leave in it, and what of them reaches a detector.
//!
//! | kernel | what it gives | tier |
//! |---|---|---|
//! | [`photons`] | absorbed energy by region, signal by pixel and by what happened on the way | P |
//!
//! Formulas, sources, errors and what is left out: `docs/methods/transport.md`.

pub mod photons;

mod detector;
mod source;
mod tables;
mod tally;

pub use detector::DetectorPlane;
pub(crate) use source::polygon_holds;
pub use source::{MOST_SPREAD, Source};
pub use tables::{MAX_REGIONS, Tables};
pub use tally::{Class, Estimate, Events, Tally};

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&photons::SHADER];
