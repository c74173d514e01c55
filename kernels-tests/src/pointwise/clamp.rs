use kerma::kernels::pointwise::clamp::{SHADER, record};

use super::mapped;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -0.0, 0.25, 0.75, 3e38, -3e38, 1e-30];
    mapped(&SHADER, [-1.0, 2.0], &special, |graph, values| {
        let held = record(graph, [0.0, f32::MAX], values);
        record(graph, [-f32::MAX, 0.75], held);
    })
}
