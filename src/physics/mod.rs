//! X-ray physics in numbers, on the host and in `f64`: how photons are made, weakened and scattered.
//!
//! - [`Element`] and [`Material`] know their attenuation coefficients by process from 5 to 150 keV.
//! - A [`Tube`] has a [`Spectrum`] at every point of its beam; a spectrum passes layers and has a mean energy, an air kerma and
//!   half-value layers.
//! - [`klein_nishina`] is what one free electron does to a photon; [`ScatterAngles`] is what atoms do, with form factors and scattering
//!   functions, as a table to draw angles from.
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

mod angles;
mod anode;
mod atom;
mod attenuation;
pub(crate) mod catalogue;
mod detector;
mod element;
mod error;
mod grid;
mod kerma;
pub mod klein_nishina;
mod material;
mod quadrature;
mod spectrum;
pub(crate) mod table;
mod tube;

pub use angles::ScatterAngles;
pub use atom::{AVOGADRO_PER_MOL, KEV_ANGSTROM, momentum_transfer_per_angstrom};
pub use attenuation::Attenuation;
pub use detector::{Converter, Detector, Moments, Weighting};
pub use element::{ELEMENT_COUNT, Element};
pub use error::PhysicsError;
pub use grid::{Grid, GridFactors, Photon};
pub use kerma::{JOULES_PER_KEV, air_energy_absorption_cm2_g, air_kerma_mgy_mm2, water_energy_absorption_cm2_g};
pub use material::{FRACTION_TOLERANCE, Material};
pub use quadrature::{DEEPEST_LINE_INTEGRAL, Node, QUADRATURE_TOLERANCE, Quadrature};
pub use spectrum::Spectrum;
pub use table::ENERGY_RANGE_KEV;
pub use tube::{ANODE_ANGLE_RANGE_DEG, Layer, Tube};
