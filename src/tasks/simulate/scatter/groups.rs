//! Energies of scattered photons, and how one leads to others.

use std::f64::consts::PI;

use crate::physics::{ENERGY_RANGE_KEV, Material, PhysicsError, Spectrum, klein_nishina::energy_ratio, table};

/// Energies, side by side in a register.
pub(super) const GROUPS: usize = 16;
/// A value for each of them.
pub(super) type Band = [f32; GROUPS];
/// Steps of energy that one scattering crosses at most, and none.
pub(super) const SHIFTS: usize = 5;
/// Orders of Legendre's polynomials.
pub(super) const ORDERS: usize = 3;
/// Steps of sin(θ/2) from 0 to 1.
const STEPS: usize = 128;
/// Least energy over the largest: what lies below is taken for it.
const LEAST: f64 = 0.16;
/// Steps of the beam's energies between two groups: it is weakened more than scattered photons are.
const FINE: usize = 2;
/// Energies of the beam.
const BEAM: usize = FINE * (GROUPS - 1) + 1;

/// Energies at equal ratios, and water's probabilities of scattering between them. A photon between two is shared out so that number
/// and energy stay.
#[derive(Clone)]
pub(super) struct Groups {
    pub(super) kev: [f64; GROUPS],
    angles: Vec<Angle>,
    /// Legendre's coefficients of Compton scattering, by order and steps of energy, for the energy behind it.
    pub(super) legendre: [[Band; SHIFTS]; ORDERS],
    /// Mean cosine of coherent scattering.
    pub(super) forward: [f64; GROUPS],
    /// Energies of the beam, and its photons per mm² before the body at the distance of the detector.
    pub(super) beam_kev: [f64; BEAM],
    pub(super) beam_per_mm2: [f64; BEAM],
}

/// Probabilities per steradian of one angle.
#[derive(Clone, Copy, Default)]
pub(super) struct Angle {
    /// Of Compton scattering, by steps of energy, for the energy behind it.
    pub(super) compton: [Band; SHIFTS],
    pub(super) coherent: Band,
}

impl Groups {
    pub(super) fn new(spectrum: &Spectrum) -> Result<Self, PhysicsError> {
        let water = Material::by_name("water")?;
        let bins =
            || spectrum.energies_kev().iter().zip(spectrum.fluence_per_mm2()).filter(|(_, fluence)| **fluence > 0.0);
        let largest = bins().map(|(kev, _)| *kev).fold(0.0, f64::max);
        let least = (LEAST * largest).max(ENERGY_RANGE_KEV[0]);
        let at = |step: f64, steps: usize| largest * (least / largest).powf(1.0 - step / (steps - 1) as f64);
        let kev: [f64; GROUPS] = std::array::from_fn(|group| at(group as f64, GROUPS));
        let beam_kev: [f64; BEAM] = std::array::from_fn(|step| at(step as f64, BEAM));
        let mut beam_per_mm2 = [0.0; BEAM];
        for (energy, fluence) in bins() {
            let (low, share) = place(&beam_kev, *energy);
            beam_per_mm2[low] += fluence * (1.0 - share);
            beam_per_mm2[low + 1] += fluence * share;
        }
        let mut angles = vec![Angle::default(); STEPS];
        let mut legendre = [[[0.0_f64; GROUPS]; SHIFTS]; ORDERS];
        let mut forward = [0.0; GROUPS];
        for group in 0..GROUPS {
            let energy = kev[group];
            // x = sin(θ/2): cos θ = 1 − 2x², dΩ = 8π·x·dx.
            let middles = || (0..STEPS).map(|step| (step as f64 + 0.5) / STEPS as f64);
            let cosine = |x: f64| 1.0 - 2.0 * x * x;
            let solid = |x: f64| 8.0 * PI * x / STEPS as f64;
            let [compton, coherent] = [Material::incoherent_cm2_g_sr, Material::coherent_cm2_g_sr]
                .map(|of| middles().map(|x| of(&water, energy, cosine(x))).collect::<Vec<f64>>());
            let total = |of: &[f64]| middles().zip(of).map(|(x, of)| of * solid(x)).sum::<f64>();
            let totals = [total(&compton), total(&coherent)];
            for (step, x) in middles().enumerate() {
                let (c, coherent) = (cosine(x), coherent[step] / totals[1]);
                angles[step].coherent[group] = coherent as f32;
                forward[group] += coherent * solid(x) * c;
                let (low, share) = place(&kev, energy * energy_ratio(energy, c));
                for (behind, share) in [(low, 1.0 - share), (low + 1, share)] {
                    if share > 0.0 {
                        let probability = share * compton[step] / totals[0];
                        angles[step].compton[group - behind][behind] += probability as f32;
                        for (order, of_order) in [1.0, c, 1.5 * c * c - 0.5].into_iter().zip(&mut legendre) {
                            of_order[group - behind][behind] += probability * solid(x) * order;
                        }
                    }
                }
            }
        }
        let legendre = legendre.map(|of_order| of_order.map(|band| band.map(|value| value as f32)));
        Ok(Self { kev, angles, legendre, forward, beam_kev, beam_per_mm2 })
    }

    /// Probabilities at an angle.
    pub(super) fn at(&self, cosine: f32) -> &Angle {
        let x = (0.5 * (1.0 - cosine)).max(0.0).sqrt();
        &self.angles[((x * STEPS as f32) as usize).min(STEPS - 1)]
    }

    /// Group below an energy of the beam, and the share of the one above.
    pub(super) fn of_beam(&self, step: usize) -> (usize, f64) {
        place(&self.kev, self.beam_kev[step])
    }

    pub(super) fn beam_count(&self) -> usize {
        BEAM
    }
}

/// Node below an energy and the share of the next one; energies beyond the nodes are taken for their ends.
fn place(nodes: &[f64], energy: f64) -> (usize, f64) {
    let (low, share) = table::place(nodes, energy);
    (low, share.clamp(0.0, 1.0))
}
