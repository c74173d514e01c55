//! Two buffers, of which the second is exp(−x) of the first.

use kerma::kernels::pointwise::{
    multiply::{SHADER, record},
    transmission,
};

use super::mapped;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -0.0, 1.0, 40.0, 1e-20, 0.1];
    mapped(&SHADER, [-3.0, 3.0], &special, |graph, x| {
        let y = transmission::record(graph, x);
        record(graph, x, y);
    })
}
