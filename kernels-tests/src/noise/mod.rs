//! Cases of noise.

mod compound;
mod normal;
mod quanta;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [compound::cases(), normal::cases(), quanta::cases()].into_iter().flatten().collect()
}
