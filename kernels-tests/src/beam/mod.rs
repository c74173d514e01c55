//! Cases of beams of several energies.

mod signal;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    signal::cases()
}
