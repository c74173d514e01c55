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
mod even;
mod exposure;
mod exposure_index;
mod hardening;
mod nodules;
mod open_beam;
mod patient;
mod photons;
mod protocol;
mod regions;
mod results;
mod scatter;
mod sections;
mod truth;

pub use case::{Case, FollowedScatter, Part, ScatterMap, Straightened};
pub use dose::{Absorbed, Dose, DoseTask};
pub use even::EvenField;
pub use exposure::{Exposed, Exposure};
pub use nodules::PlacedNodule;
pub use open_beam::OpenBeam;
pub use protocol::{Protocol, ProtocolError, ProtocolText};
pub use regions::AreaKind;
pub use results::Measured;
pub use scatter::ScatterTask;
pub use sections::{
    Air, Beam, Bone, BoxSection, Collimator, DoseSection, FocalSpot, FormSection, GridSection, HabitusKind, Heel,
    InsertSection, LabelMap, NoduleKind, Nodules, Padding, Patient, PhantomSection, Reconstruction, Scatter,
    ScatterModel, Side, Slices, Truth, WaterCorrection,
};
