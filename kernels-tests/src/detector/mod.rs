//! Cases of detectors.

mod bin;
mod blur;
mod calibrate;
mod chain;
mod correct;
mod pattern;
mod readout;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    [
        blur::cases(),
        bin::cases(),
        pattern::cases(),
        readout::cases(),
        calibrate::cases(),
        correct::cases(),
        chain::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
