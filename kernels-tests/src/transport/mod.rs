//! Cases of photons through bodies.

mod photons;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    photons::cases()
}
