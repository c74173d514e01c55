//! Plain values: volumes, projection stacks and images with their spacing, position and unit.

mod error;
mod grid;
mod image;
mod image_info;
mod projections;
mod unit;
mod volume;

pub use error::DataError;
pub use grid::Grid;
pub use image::{Image, Sample};
pub use image_info::{DisplayRange, ImageInfo, Trend};
pub use projections::Projections;
pub use unit::Unit;
pub use volume::Volume;
