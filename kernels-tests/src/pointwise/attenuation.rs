use kerma::kernels::pointwise::attenuation::{SHADER, record};

use super::mapped;
use crate::Case;

/// Water at 60 keV, in 1/mm.
const WATER_PER_MM: f32 = 0.020_59;

pub(crate) fn cases() -> Vec<Case> {
    let special = [-1000.0, -1024.0, -999.9999, 0.0, -32_768.0, 3071.0, 1e-3, -1e-3];
    mapped(&SHADER, [-1200.0, 3000.0], &special, |graph, hounsfield| {
        record(graph, WATER_PER_MM, hounsfield);
    })
}
