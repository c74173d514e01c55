//! Conformance suite: every kernel on a device against its CPU twin, bit by bit.
//!
//! - [`cases`] lists what is computed: seeded inputs, odd sizes and degenerate geometry, one file per kernel.
//! - [`run`] computes every case on a device and on the CPU and compares what **every pass** wrote, not only the
//!   last; a case whose limits are narrowed must give the bits of the undivided one, on the device and on the CPU.
//! - [`Report`] is what came of it, as a table or as JSON.
//! - [`quality`] measures enhancements on radiographs whose truth is known.
//! - [`oracle`] holds independent formulations in `f64`: a twin that shares the shader's error proves nothing.

mod beam;
mod case;
mod clahe;
mod compare;
mod detector;
mod engine;
mod fdk;
mod fourier;
mod histogram;
mod inputs;
mod mask;
mod noise;
pub mod oracle;
mod pixels;
mod pointwise;
mod project;
mod pyramid;
pub mod quality;
mod report;
mod statistics;
mod suite;
mod tasks;
pub mod tg195;
mod threshold;
mod tolerance;
mod transport;
mod variation;

pub use case::{Case, Narrow};
pub use compare::Difference;
pub use inputs::{LARGEST_NOISE, Seeded, mixed_body, noise_volume};
pub use report::{Failure, KernelReport, Report, Verdict};
pub use suite::{cases, run, run_cases};
pub use tolerance::Tolerance;
