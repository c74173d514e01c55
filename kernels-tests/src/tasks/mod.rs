//! Whole tasks, with what every pass of them writes.

mod enhance;
mod fdk;
mod fourier;
mod projection;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [projection::cases(), fdk::cases(), fourier::cases(), enhance::cases()].into_iter().flatten().collect()
}
