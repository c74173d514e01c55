//! X-ray physics in numbers, on the host and in `f64`: how photons are made, weakened and scattered.
//!
//! - [`Element`] and [`Material`] know their attenuation coefficients by process from 5 to 150 keV.
//!
//! Units are those of the field: keV, cm²/g and g/cm³ for coefficients, millimetres for lengths. Formulas, sources and what
//! each is held to: `docs/methods/physics.md`; the tables: `assets/physics/README.md`.
//!
//! ```
//! use kerma::physics::Material;
//!
//! let water = Material::by_name("water")?;
//! let transmitted = (-water.attenuation_per_mm(60.0)? * 100.0).exp();
//! assert!((transmitted - 0.128).abs() < 0.001);
//! # Ok::<(), kerma::physics::PhysicsError>(())
//! ```

mod attenuation;
mod catalogue;
mod element;
mod error;
mod material;
mod table;

pub use attenuation::Attenuation;
pub use element::{ELEMENT_COUNT, Element};
pub use error::PhysicsError;
pub use material::{FRACTION_TOLERANCE, Material};
pub use table::ENERGY_RANGE_KEV;
