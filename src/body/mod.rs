//! What X-rays pass: voxels of mixtures of materials.
//!
//! ```text
//! CT → Cleaning → slices → Calibration → Body → inserts
//! ```

mod cleaning;
mod coarse;
mod error;
mod inserts;
mod labels;
mod lungs;
pub(crate) mod mask;
mod nodule;
mod phantom;
mod places;
mod position;
pub(crate) mod resample;
mod slices;
mod tissue;
mod voxels;

pub use cleaning::Cleaning;
pub use coarse::coarsen;
pub use error::BodyError;
pub use inserts::{Amount, COVERAGE_STEPS, Form, Inclusion, Insert, inclusion_numbers};
pub use labels::{Label, Labels};
pub use lungs::lungs;
pub use nodule::{MOST_FALLOFF, MOST_ROUGHNESS, MOST_SPICULES, Nodule, NoduleLook};
pub(crate) use phantom::MAX_POINTS;
pub use places::seeded_places;
pub(crate) use places::{Clearance, Places};
pub use position::Position;
pub use slices::{interpolate_slices, pad_slices};
pub use tissue::{Calibration, EFFECTIVE_ENERGY_KEV, MOST_HU, NOTHING_HU, Node};
pub use voxels::Body;
