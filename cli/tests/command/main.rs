//! Drives the real `kerma` binary on tiny data, on the CPU backend.
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

#[cfg(feature = "nn")]
mod bad_denoise;
mod bad_enhance;
mod bad_files;
mod bad_geometry;
mod bad_usage;
#[cfg(feature = "nn")]
mod check;
mod demo;
#[cfg(feature = "nn")]
mod denoise;
#[cfg(feature = "nn")]
mod detect;
mod dicom;
mod enhance;
#[cfg(feature = "nn")]
mod evaluate;
mod exchange;
mod froc;
#[cfg(feature = "nn")]
mod improve;
mod info;
mod interrupt;
mod iterative;
mod metrics;
mod output;
mod parts;
mod raw;
#[cfg(feature = "nn")]
mod reconstruct;
mod round_trip;
mod runner;
mod simulate;
mod spectrum;
mod tilt;
#[cfg(feature = "nn")]
mod train;
