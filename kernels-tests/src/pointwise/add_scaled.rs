//! Factors that are quotients of sums, one of them a division by zero.

use kerma::kernels::{
    pointwise::{
        add_scaled::{SHADER, record},
        fill, transmission,
    },
    statistics,
};

use super::mapped;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -0.0, 1.0, 40.0, 1e-20, 0.1];
    mapped(&SHADER, [-3.0, 3.0], &special, |graph, x| {
        let y = transmission::record(graph, x);
        let nothing = fill::record(graph, graph.extent(x), 0.0);
        let [a, b, zero] = [x, y, nothing].map(|values| statistics::record(graph, values));
        let sum = record(graph, x, -1.0, [a, b], y);
        record(graph, sum, 0.3, [b, zero], x);
    })
}
