//! Phantoms: closed-form shapes whose line integrals are known exactly.
//!
//! The independent truth that projectors and reconstructions are held against. Everything here is computed on the
//! host in `f64`; nothing is sampled, so the only error of a line integral is rounding.
//!
//! - A [`Shape`] is convex: a ray meets it in one interval, found in closed form.
//! - A [`Phantom`] is a list of shapes with one value each and a written [`Rule`] for where they overlap.
//! - [`by_name`] builds the phantoms that come with kerma; [`NAMES`] lists them.
//!
//! ```
//! use glam::{DQuat, DVec3};
//! use kerma::phantom::{Phantom, Rule, Shape};
//!
//! let ball = Shape::ellipsoid(DVec3::ZERO, DVec3::splat(10.0), DQuat::IDENTITY)?;
//! let phantom = Phantom::new(Rule::Add, vec![(ball, 0.02)]);
//! let through_the_centre = phantom.line_integral(DVec3::new(0.0, -50.0, 0.0), DVec3::Y, 0.0, 100.0);
//! assert!((through_the_centre - 0.4).abs() < 1e-15);
//! # Ok::<(), kerma::phantom::PhantomError>(())
//! ```

mod catalogue;
mod chest;
mod compose;
mod error;
mod forbild_thorax;
mod project;
pub(crate) mod random;
mod shape;
mod shepp_logan;
mod solid;
mod spheres;
pub mod tissue;
mod tree;
mod voxelise;
mod water_cylinder;

pub use catalogue::{NAMES, by_name};
pub use chest::{Arms, Habitus, chest, chest_of};
pub use compose::{Phantom, Rule};
pub use error::PhantomError;
pub use forbild_thorax::forbild_thorax;
pub use shape::{HalfSpace, Shape};
pub use shepp_logan::{SHEPP_LOGAN_RADIUS_MM, shepp_logan};
pub use spheres::spheres;
pub use water_cylinder::water_cylinder;
