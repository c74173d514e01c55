//! Independent formulations in `f64`, sharing no code and no method with the kernels they are held against.
//!
//! They are slow and plain: every formula is written as textbooks print it, and only grids, views and stacks are
//! shared with the library.

mod backproject;
mod distribution;
mod error;
mod joseph;
mod polar;
pub mod pyramid;
mod ramp;
mod siddon;

pub use backproject::{Meeting, backproject};
pub use distribution::{chi_square, normal_above, poisson};
pub use error::Error;
pub use joseph::{joseph, trilinear};
pub use polar::{Row, polar_sum};
pub use ramp::ramp;
pub use siddon::project;
