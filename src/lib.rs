//! kerma: a portable GPU compute engine for X-ray imaging.
//!
//! Imports run downwards only: `tasks` record graphs of `kernels`, the `engine` plans and runs them, and
//! `data`, `geometry`, `phantom`, `physics` and `io` are plain values that know neither a GPU nor a task.
//!
//! ```text
//! tasks     what a user asks for: project, reconstruct, enhance, radiographs, bm3d
//! kernels   one kernel = WGSL shader + parameters + CPU twin + record function
//! engine    graph (record → plan) → run on Device::Gpu or Device::Cpu
//! metrics   what two images or volumes differ by, how sharp and how noisy one is
//! noise     what noise is in an image (host only)
//! physics   attenuation, spectra, single interactions (host only)
//! body      voxels of mixtures of materials (host only)
//! data · geometry · phantom · io
//! ```

pub mod body;
pub mod data;
pub mod engine;
pub mod geometry;
#[cfg(feature = "io")]
pub mod io;
pub mod kernels;
pub mod metrics;
pub mod noise;
mod parallel;
pub mod phantom;
pub mod physics;
pub mod tasks;
mod vectorised;

#[cfg(feature = "gpu")]
#[doc(no_inline)]
pub use wgpu;
#[doc(no_inline)]
pub use {glam, ndarray};

/// The README's example, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
