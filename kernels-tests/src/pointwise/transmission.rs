use kerma::kernels::pointwise::transmission::{SHADER, record};

use super::mapped;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -0.0, 1.0, 87.0, 100.0, 1e30, -88.0, -100.0, 0.346_573_6, 1e-8];
    mapped(&SHADER, [-0.1, 14.0], &special, |graph, integrals| {
        record(graph, integrals);
    })
}
