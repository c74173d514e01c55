//! Cases of sums in a written order.

mod merge;
mod rows;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [rows::cases(), merge::cases()].into_iter().flatten().collect()
}
