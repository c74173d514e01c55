//! A bent curve, below, within and beyond its points.

use kerma::kernels::pointwise::curve::{SHADER, record};

use super::mapped;
use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let special = [0.0, -0.0, 0.25, 9.75, 10.0, 1e6, -1e6, 0.249_999_99];
    mapped(&SHADER, [-1.0, 12.0], &special, |graph, values| {
        let points: Vec<f32> = (0..41_u8).map(|i| f32::from(i).sqrt() * 1.7).collect();
        record(graph, &points, 0.25, values);
    })
}
