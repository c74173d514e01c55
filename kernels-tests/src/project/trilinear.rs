//! Trilinear samples through noise, whole and in parts.

use kerma::kernels::project::trilinear::{SHADER, record};

use super::joseph::cases_of;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    cases_of(&SHADER, record)
}
