//! Networks that find nodules, each on every kind of volume, on bodies that none of them has seen.
//!
//! ```text
//! Recipe      test cases, models, seed of the intervals
//! Detectors   networks and the baseline: a body to the marks of every cell
//! OperatingPoint  what validation bodies tell of a network: its calibration and threshold
//! Outcome     sensitivity, precision, CPM and size of every cell with their intervals, bars and claims
//! ```
//!
//! A cell is a network on a kind of volume: CT, FDK tomosynthesis in HU, or the same made more like CT. The unit is the body: nodules
//! of one body are not independent.

mod detectors;
mod operating_point;
mod outcome;
mod recipe;

pub use detectors::{CANDIDATE, Case, Cell, Detectors, Kind};
pub use operating_point::{OperatingPoint, Validation};
pub use outcome::{Body, Outcome, Row};
pub use recipe::Recipe;
