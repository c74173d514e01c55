//! Cases of masks.

mod above;
mod collimation;
mod combine;
mod components;
mod field;
mod masks;
mod morphology;
mod rectangle;
mod scale;
mod within;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [
        above::cases(),
        morphology::cases(),
        scale::cases(),
        combine::cases(),
        rectangle::cases(),
        components::cases(),
        collimation::cases(),
        field::cases(),
        within::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
