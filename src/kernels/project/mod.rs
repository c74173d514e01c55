//! Projection, line integrals through a volume, and its adjoint.

mod axis;
mod projector;
mod seen;
mod walk;

pub mod axial;
pub mod columns;
pub mod joseph;
pub mod joseph_adjoint;
pub mod joseph_axial;
pub mod joseph_axial_adjoint;
pub mod lines;
pub mod planes;
pub mod rays;
pub mod reorder;
pub mod restore;
pub mod samples;
pub mod siddon;
pub mod siddon_adjoint;
pub mod thickness;
pub mod trilinear;
pub mod trilinear_adjoint;
pub mod weigh;

pub use projector::{Projector, Sampling, project_back};
pub use seen::ViewForms;
pub use thickness::Thicknesses;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[
    &siddon::SHADER,
    &reorder::SHADER,
    &axial::SHADER,
    &thickness::SHADER,
    &lines::SHADER,
    &joseph::SHADER,
    &joseph_adjoint::SHADER,
    &joseph_axial::SHADER,
    &weigh::SHADER,
    &joseph_axial_adjoint::SHADER,
    &restore::SHADER,
    &samples::SHADER,
    &trilinear::SHADER,
    &trilinear_adjoint::SHADER,
    &planes::SHADER,
    &siddon_adjoint::SHADER,
];
