//! Cases of filtered back-projection.

mod backproject;
mod ramp;
mod slices;
mod transpose;
mod weight;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [weight::cases(), ramp::cases(), backproject::cases(), slices::cases(), transpose::cases()]
        .into_iter()
        .flatten()
        .collect()
}
