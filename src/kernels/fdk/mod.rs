//! Filtered back-projection after Feldkamp, Davis and Kress: weights, ramp filter, back-projection.

pub mod backproject;
pub mod ramp;
pub mod weight;
