//! What a user asks for: each task checks its inputs and records a graph.
//!
//! A task is a value that owns its graph. The caller plans it for a device, runs the plan, and hands the outputs back
//! to the task, which gives them their shape:
//!
//! ```
//! use kerma::{data::{Grid, Unit, Volume}, engine::{Control, Device, Plan}, geometry::Scan, tasks::Projection};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let volume = Volume::zeros(Grid::centred([8, 8, 8], [4.0; 3])?, Unit::PerMillimetre);
//! let geometry = Scan::from_toml(Scan::example("radiograph")?)?.build()?;
//! let device = Device::cpu();
//! let task = Projection::new(&volume, &geometry)?;
//! let plan = Plan::new(task.graph(), device.limits())?;
//! let outputs = pollster::block_on(device.run(&plan, &Control::default()))?;
//! let projections = task.finish(outputs)?;
//! assert_eq!(projections.views(), 1);
//! # Ok(())
//! # }
//! ```

mod batch;
pub mod bm3d;
pub mod enhance;
mod error;
mod fdk;
mod projection;
pub mod radiographs;
mod redundancy;

pub use error::TaskError;
pub use fdk::{Fdk, FdkOptions};
pub use projection::{Projection, WATER_PER_MM};
pub use redundancy::Redundancy;
