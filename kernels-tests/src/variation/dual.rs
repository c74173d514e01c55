//! Step of a dual field, some of it shortened to length 1.

use kerma::kernels::variation::dual::{SHADER, record};

use super::varied;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    varied(&SHADER, |graph, grid, volume, field| {
        record(graph, grid, 0.3, volume, field);
    })
}
