//! The compute engine: record a [`Graph`], plan it, run it on a [`Device`].
//!
//! Main choices, each with its consequence:
//!
//! - A graph is pure data. It can be built, planned, printed and tested without any GPU.
//! - A plan knows its peak memory and every dispatch before anything runs. What does not fit is split or refused
//!   with both numbers; nothing is discovered half-way.
//! - The same graph runs on the GPU (shaders) and on the CPU (twins). That is comparison, fallback and bisecting in one.
//! - Work is split along output rows and, for kernels that sum over input slices, along those slices in a written
//!   order. Splitting never changes a bit of the result, so limits and budgets of a device do not either.
//! - Only this module names wgpu types. It knows no X-ray word.

pub mod arithmetic;
mod buffer;
mod cpu;
mod declare;
mod device;
mod error;
#[cfg(feature = "gpu")]
mod export;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
#[path = "no_gpu.rs"]
mod gpu;
mod graph;
mod host_memory;
mod kernel;
mod limits;
#[cfg_attr(not(feature = "gpu"), expect(dead_code, unused_imports, reason = "batches are for devices"))]
mod plan;
mod run;
mod selftest;
mod session;
mod structs;
mod sums;
mod words;

pub use buffer::{Buffer, Entry, Extent, Input, Kept, Output};
pub use device::{AdapterSummary, Choice, Device, Kind, Numerics};
pub use error::Error;
#[cfg(feature = "gpu")]
pub use export::Export;
#[cfg(feature = "gpu")]
pub use gpu::{Handles, NoopPipelines};
pub use gpu::{adapters, open_adapter};
pub use graph::{Graph, Read, Target, Window, Write};
pub use kernel::{Access, Block, Domain, Kernel, Order, Reduce, Shader, Storage, Tier, Way};
pub use limits::Limits;
pub use plan::{PeakBytes, Plan};
pub use run::{Control, Counts, Inputs, Outputs, PassTime, Progress, RunReport};
pub(crate) use selftest::SHADER as SELF_TEST_SHADER;
pub use selftest::{Probe, SelfTest, Verdict};
pub use session::{Prepared, Running, Session};
pub use structs::{Field, ShaderStruct, ShaderValue, StructText, Tile};
pub use sums::{FixedPoint, Sums};
pub use words::Shared;
