//! The adjoint of the projector by trilinear samples on noise, whole and in parts.

use kerma::kernels::project::trilinear_adjoint::{SHADER, record};

use super::joseph_adjoint::cases_of;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    cases_of(&SHADER, record, 32)
}
