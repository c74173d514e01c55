use kerma::kernels::pointwise::window_level::{SHADER, record};

use super::mapped;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let special = [-160.0, 240.0, 40.0, -160.1, 240.1, 1e30, -1e30];
    let mut cases = mapped(&SHADER, [-300.0, 400.0], &special, |graph, values| {
        record(graph, -160.0, 240.0, 255, values);
    });
    cases.extend(mapped(&SHADER, [-300.0, 400.0], &special, |graph, values| {
        record(graph, 240.0, -160.0, 65_535, values);
    }));
    cases
}
