//! Plain values: volumes, projection stacks and images with their spacing, position and unit.

mod error;
mod grid;
mod image;
mod image_info;
mod projections;
mod resample;
mod unit;
mod volume;

pub use error::DataError;
pub use grid::Grid;
pub use image::{Image, Sample};
pub use image_info::{DisplayRange, ImageInfo, Trend};
pub use projections::Projections;
pub use unit::Unit;
pub use volume::Volume;

/// So many values of `f32`, or as many as an address space holds.
const fn at_most(values: u64) -> u64 {
    let held = isize::MAX as u64 / size_of::<f32>() as u64;
    if values < held { values } else { held }
}
