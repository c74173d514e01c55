//! Cases of beams of several energies.

mod enlarge;
mod signal;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    enlarge::cases().into_iter().chain(signal::cases()).collect()
}
