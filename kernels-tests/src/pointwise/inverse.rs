use kerma::kernels::pointwise::inverse::{SHADER, record};

use super::mapped;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -0.0, 0.1, 0.099_999_99, 1e30, -1e30, 1e-30];
    mapped(&SHADER, [-1.0, 5.0], &special, |graph, values| {
        record(graph, 0.1, values);
    })
}
