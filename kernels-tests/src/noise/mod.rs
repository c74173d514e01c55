//! Cases of noise.

mod normal;
mod quanta;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [normal::cases(), quanta::cases()].into_iter().flatten().collect()
}
