//! Cases of the projectors.

mod axial;
mod reorder;
mod siddon;
mod thickness;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [siddon::cases(), reorder::cases(), axial::cases(), thickness::cases()].into_iter().flatten().collect()
}
