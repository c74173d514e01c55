//! Cases of the projectors.

mod siddon;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    siddon::cases()
}
