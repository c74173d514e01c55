//! Whole tasks, with what every pass of them writes.

mod fdk;
mod projection;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [projection::cases(), fdk::cases()].into_iter().flatten().collect()
}
