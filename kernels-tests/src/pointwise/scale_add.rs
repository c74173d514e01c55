//! Two buffers, of which the second is exp(−x) of the first.

use kerma::kernels::pointwise::scale_add::{SHADER, record};

use super::mapped;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -0.0, 1.0, 40.0, 1e-20, 0.1];
    mapped(&SHADER, [-3.0, 3.0], &special, |graph, x| {
        let y = kerma::kernels::pointwise::transmission::record(graph, x);
        let sum = record(graph, 0.7, x, -1.3, y);
        record(graph, 0.1, sum, 0.3, x);
    })
}
