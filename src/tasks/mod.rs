//! What a user asks for: each task checks its inputs and records a graph.
//!
//! Every task is a [`Task`]: it runs on a device, tells how far it is, and can be cancelled. Most are [`Recorded`], values
//! that own their graph, which may be planned before. What is given to them is borrowed, or given away to a task that then
//! is `'static`:
//!
//! ```
//! use kerma::{data::{Grid, Unit, Volume}, engine::{Control, Device}, geometry::Scan, tasks::{Projection, Task}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let volume = Volume::zeros(Grid::centred([8, 8, 8], [4.0; 3])?, Unit::PerMillimetre);
//! let geometry = Scan::from_toml(Scan::example("radiograph")?)?.build()?;
//! let device = Device::cpu();
//! let projections = {
//!     let borrowing = Projection::new(&volume, &geometry)?;
//!     pollster::block_on(borrowing.run(&device, &Control::default()))?
//! };
//! assert_eq!(projections.views(), 1);
//!
//! let owning = Projection::new(volume, &geometry)?;
//! let thread = std::thread::spawn(move || pollster::block_on(owning.run(&device, &Control::default())));
//! assert_eq!(thread.join().unwrap()?, projections);
//! # Ok(())
//! # }
//! ```

mod backprojection;
mod batch;
mod batchwise;
pub mod bm3d;
mod built_in;
pub mod detect;
pub mod enhance;
mod error;
mod fdk;
mod fourier;
mod helix;
pub mod iterative;
#[cfg(not(target_family = "wasm"))]
mod parts;
mod projection;
pub mod radiographs;
pub mod raw;
mod redundancy;
pub mod simulate;
mod slabwise;
mod task;

pub use backprojection::{Backprojection, Backprojector};
pub use batchwise::{BatchwiseBackprojection, BatchwiseProjection};
pub use error::TaskError;
pub use fdk::{Fdk, FdkOptions};
pub use fourier::Fourier;
pub use projection::{Projection, WATER_PER_MM};
pub use redundancy::Redundancy;
pub use slabwise::SlabwiseFdk;
pub use task::{Recorded, Task};
