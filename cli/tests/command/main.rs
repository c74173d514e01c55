//! Drives the real `kerma` binary on tiny data, on the CPU backend.
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod bad_enhance;
mod bad_files;
mod bad_geometry;
mod bad_usage;
mod demo;
mod enhance;
#[cfg(feature = "nn")]
mod evaluate;
mod interrupt;
mod metrics;
mod output;
mod round_trip;
mod runner;
