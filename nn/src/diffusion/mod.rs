//! Diffusion: levels of noise, what a network predicts, and steps down the chain. All coefficients are in f64.

mod prediction;
mod schedule;
mod step;

pub use prediction::Prediction;
pub use schedule::{Chain, Level, Schedule};
pub use step::Step;
