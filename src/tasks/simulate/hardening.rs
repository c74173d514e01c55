//! Correction of beam hardening for water.

use crate::physics::Quadrature;

/// Points of the curve.
const POINTS: usize = 4096;
/// Largest line integral that is corrected along a curve; beyond, the last piece goes on straight.
const LARGEST: f64 = 14.0;
/// Thickness whose mean attenuation is that of the effective energy, in millimetres: a body's.
const TYPICAL_MM: f64 = 200.0;

/// Line integrals of water at one energy in place of those of a beam, as a curve for [`crate::kernels::pointwise::curve`].
///
/// ```text
/// p ↦ µ̄·t(p)        −ln Σ_k w_k·exp(−µ_k·t) = p,   µ̄ = p(200 mm)/200 mm
/// ```
/// Behind water alone the corrected line integral is µ̄ times the path: no cupping, and a µ̄ of its own for CT numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WaterCurve {
    /// Corrected line integrals at equal steps of the measured ones, from 0 on.
    pub(super) points: Vec<f32>,
    /// Measured line integral from point to point.
    pub(super) step: f32,
}

/// Attenuation coefficient of water in projections that are corrected, in mm⁻¹; `water` is a beam behind water alone.
pub(super) fn water_per_mm(water: &Quadrature) -> f64 {
    measured(water, TYPICAL_MM) / TYPICAL_MM
}

/// Line integral behind so many mm of water.
fn measured(water: &Quadrature, mm: f64) -> f64 {
    -water.transmission(&[mm]).ln()
}

impl WaterCurve {
    /// Curve of a beam behind water alone.
    pub(super) fn new(water: &Quadrature) -> Self {
        let water_per_mm = water_per_mm(water);
        let step = LARGEST / (POINTS - 1) as f64;
        let mut thickness = 0.0;
        let mut points = Vec::with_capacity(POINTS);
        for point in 0..POINTS {
            let wanted = point as f64 * step;
            // p(t) rises and bends down, so that Newton's steps from the left never overshoot.
            for _ in 0..8 {
                let (low, high) = (measured(water, thickness), measured(water, thickness + SLOPE_MM));
                thickness += (wanted - low) * SLOPE_MM / (high - low);
            }
            points.push((water_per_mm * thickness) as f32);
        }
        Self { points, step: step as f32 }
    }
}

/// Thickness over which a slope is taken, in millimetres.
const SLOPE_MM: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{Layer, Material, Tube};

    #[test]
    fn water_of_any_thickness_is_corrected_to_a_straight_line() {
        let tube = Tube::new(120.0, 12.0, vec![Layer::parse("al:3", &[]).unwrap()]).unwrap();
        let spectrum = tube.spectrum().unwrap();
        let response = spectrum.energies_kev();
        let water = Quadrature::of_bins(&spectrum, response, &[Material::by_name("water").unwrap()]).unwrap();
        let curve = WaterCurve::new(&water);
        for mm in [0.5, 3.0, 40.0, 133.0, 200.0, 381.0, 550.0] {
            let at = -water.transmission(&[mm]).ln() / f64::from(curve.step);
            let piece = at.floor() as usize;
            let [low, high] = [curve.points[piece], curve.points[piece + 1]].map(f64::from);
            let got = low + (at - at.floor()) * (high - low);
            // A tenth of a Hounsfield unit.
            assert!((got / (water_per_mm(&water) * mm) - 1.0).abs() < 1e-4, "{mm} mm: {got}");
        }
        assert!((0.018..0.022).contains(&water_per_mm(&water)));
    }
}
