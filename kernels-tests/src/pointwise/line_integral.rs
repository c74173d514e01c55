use kerma::kernels::pointwise::line_integral::{SHADER, record};

use super::mapped;
use crate::Case;

/// Signal of a pixel that received nothing.
const FLOOR: f32 = 1e-6;

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -1.0, 1.0, 0.999_999_9, 1.000_000_1, 1e-6, 1e-30, 65_535.0, 0.707_106_77, 3e38];
    mapped(&SHADER, [0.0, 1.2], &special, |graph, transmission| {
        record(graph, FLOOR, transmission);
    })
}
