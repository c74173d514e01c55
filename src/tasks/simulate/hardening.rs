//! Correction of beam hardening for water.

use crate::physics::{Material, PhysicsError, Quadrature, Spectrum};

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
pub struct WaterCurve {
    /// Corrected line integrals at equal steps of the measured ones, from 0 on.
    pub points: Vec<f32>,
    /// Measured line integral from point to point.
    pub step: f32,
    /// Attenuation coefficient of water in the corrected projections, in mm⁻¹.
    pub water_per_mm: f64,
}

impl WaterCurve {
    /// Curve of a beam; `response` is what a photon of each of the spectrum's bins adds to the signal.
    ///
    /// # Errors
    /// [`PhysicsError`] where there is no signal, or not one response for each bin.
    pub fn new(spectrum: &Spectrum, response: &[f64]) -> Result<Self, PhysicsError> {
        let water = Quadrature::of_bins(spectrum, response, &[Material::by_name("water")?])?;
        let measured = |mm: f64| -water.transmission(&[mm]).ln();
        let water_per_mm = measured(TYPICAL_MM) / TYPICAL_MM;
        let step = LARGEST / (POINTS - 1) as f64;
        let mut thickness = 0.0;
        let mut points = Vec::with_capacity(POINTS);
        for point in 0..POINTS {
            let wanted = point as f64 * step;
            // p(t) rises and bends down, so that Newton's steps from the left never overshoot.
            for _ in 0..8 {
                let (low, high) = (measured(thickness), measured(thickness + SLOPE_MM));
                thickness += (wanted - low) * SLOPE_MM / (high - low);
            }
            points.push((water_per_mm * thickness) as f32);
        }
        Ok(Self { points, step: step as f32, water_per_mm })
    }
}

/// Thickness over which a slope is taken, in millimetres.
const SLOPE_MM: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{Layer, Tube};

    #[test]
    fn water_of_any_thickness_is_corrected_to_a_straight_line() {
        let tube = Tube::new(120.0, 12.0, vec![Layer::parse("al:3", &[]).unwrap()]).unwrap();
        let spectrum = tube.spectrum().unwrap();
        let response = spectrum.energies_kev();
        let water = Quadrature::of_bins(&spectrum, response, &[Material::by_name("water").unwrap()]).unwrap();
        let curve = WaterCurve::new(&spectrum, response).unwrap();
        for mm in [0.5, 3.0, 40.0, 133.0, 200.0, 381.0, 550.0] {
            let at = -water.transmission(&[mm]).ln() / f64::from(curve.step);
            let piece = at.floor() as usize;
            let [low, high] = [curve.points[piece], curve.points[piece + 1]].map(f64::from);
            let got = low + (at - at.floor()) * (high - low);
            // A tenth of a Hounsfield unit.
            assert!((got / (curve.water_per_mm * mm) - 1.0).abs() < 1e-4, "{mm} mm: {got}");
        }
        assert!((0.018..0.022).contains(&curve.water_per_mm));
    }
}
