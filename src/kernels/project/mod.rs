//! Forward projection: line integrals through a volume.

pub mod rays;
pub mod siddon;
