//! Volume of a dual field, free and held between bounds.

use kerma::kernels::variation::primal::{SHADER, record};

use super::varied;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    varied(&SHADER, |graph, grid, volume, field| {
        record(graph, grid, 0.7, [-f32::MAX, f32::MAX], volume, field);
        record(graph, grid, 0.7, [0.0, 0.5], volume, field);
    })
}
