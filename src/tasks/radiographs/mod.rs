//! Clean simulated radiographs of many bodies, poses and views, to train and judge denoisers with.
//!
//! ```
//! use kerma::{engine::{Control, Device}, tasks::radiographs::{Curve, Options, Radiographs}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options { count: 2, views_per_body: 1, size: 24, ..Options::default() };
//! let radiographs = Radiographs::new(options, Vec::new())?;
//! let images = pollster::block_on(radiographs.draw(&Device::cpu(), &Control::default(), 0))?;
//! let picture = Curve::standard(&images[0]).apply(&images[0]);
//! assert_eq!(picture.size(), [24, 24]);
//! # Ok(())
//! # }
//! ```
//!
//! - [`Radiographs`] draws line integrals: a body ([`crate::phantom::Habitus`]) or a given volume, in a seeded pose.
//! - [`Curve`] turns them into a picture as detectors and displays do.
//! - [`leaves()`] draws images of no body, with edges of every size.
//! - [`insert()`] puts a lesion into an image, so that pairs with and without it can be made.
//!
//! Everything is drawn from seeds: the same options give the same bits on the CPU and on every device that passes the
//! engine's self-test.

mod curve;
mod draw;
mod insert;
mod leaves;
mod options;
mod texture;
mod view;

pub use curve::{Curve, CurveKind};
pub use draw::{Drawing, Radiographs};
pub use insert::{Insert, insert, inserts};
pub use leaves::leaves;
pub use options::Options;
