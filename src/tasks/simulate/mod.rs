//! X-ray images of a patient from a CT or a phantom, with their physics.
//!
//! ```text
//! Protocol ── Case ── scatter ── Exposure ── Straightened ── Fdk
//!  TOML       body,    maps       raw, line     beam           volume
//!             beam                integrals     hardening
//! ```

mod case;
mod collimator;
mod dose;
mod draw;
mod exposure;
mod hardening;
mod open_beam;
mod patient;
mod photons;
mod protocol;
mod results;
mod scatter;
mod sections;

pub use case::{Case, Part, ScatterMap, Straightened};
pub use dose::{Dose, DoseTask};
pub use exposure::{Exposed, Exposure};
pub use open_beam::OpenBeam;
pub use protocol::{Protocol, ProtocolError, ProtocolText};
pub use results::Measured;
pub use scatter::ScatterTask;
pub use sections::{
    Air, Beam, Bone, Collimator, DoseSection, FocalSpot, FormSection, GridSection, Heel, InsertSection, LabelMap,
    Padding, Patient, PhantomSection, Reconstruction, Scatter, ScatterModel, Side, Slices, WaterCorrection,
};
