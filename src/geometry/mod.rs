//! Where source and detector stand, view by view; named geometries are constructors of those views.
//!
//! ```
//! use kerma::geometry::Scan;
//!
//! let scan = Scan::from_toml(Scan::example("cone-circular")?)?;
//! let geometry = scan.build()?; // what projectors need: explicit views
//! let orbit = scan.orbit()?; // what an analytic reconstruction needs besides: angles and their weights
//! assert_eq!(geometry.views().len(), orbit.weights_rad.len());
//! # Ok::<(), kerma::geometry::GeometryError>(())
//! ```

mod angles;
pub(crate) mod array;
mod check;
mod circle;
mod cone_circular;
pub mod convert;
mod error;
mod fan;
mod helical;
mod orbit;
mod panel;
mod parallel;
mod radiograph;
mod scan;
mod tomosynthesis_arc;
mod tomosynthesis_linear;
mod travel;
mod vectors;
mod view;

pub use cone_circular::ConeCircular;
pub use error::GeometryError;
pub use fan::Fan;
pub use helical::Helical;
pub use orbit::{DetectorAxis, Orbit, Trajectory};
pub use parallel::Parallel;
pub use radiograph::Radiograph;
pub use scan::Scan;
pub use tomosynthesis_arc::TomosynthesisArc;
pub use tomosynthesis_linear::TomosynthesisLinear;
pub use travel::Travel;
pub use vectors::{VectorView, Vectors};
pub use view::{Geometry, Source, View};
