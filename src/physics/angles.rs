use std::f64::consts::PI;

use super::{
    Material, PhysicsError,
    table::{check_energy, lerp, place},
};

/// Nodes of the angle: θ = π·(i/n)², close where coherent scattering peaks.
const NODES: usize = 1024;

/// How a scattered photon's angle is distributed at one energy: what a Monte Carlo draws from.
///
/// ```text
/// P(θ) = (1/σ) · ∫₀^θ dσ/dΩ · 2π·sin θ' dθ'
/// ```
/// where σ is the coefficient over all angles. P is integrated by Simpson's rule between 1025 angles θ = π·(i/1024)², and between them
/// straight in cos θ.
#[derive(Clone, Debug)]
pub struct ScatterAngles {
    /// From 1 to −1.
    cosines: Vec<f64>,
    /// From 0 to 1.
    cumulative: Vec<f64>,
    total_cm2_g: f64,
    mean_cosine: f64,
}

impl ScatterAngles {
    /// Incoherent scattering with the scattering function, of photons of 5 to 150 keV.
    ///
    /// # Errors
    /// [`PhysicsError::Energy`] outside that range.
    pub fn incoherent(material: &Material, energy_kev: f64) -> Result<Self, PhysicsError> {
        check_energy(energy_kev, || material.name().to_owned())?;
        Ok(Self::new(|cosine| material.incoherent_cm2_g_sr(energy_kev, cosine)))
    }

    /// Coherent scattering with the form factor, of photons of 5 to 150 keV.
    ///
    /// # Errors
    /// [`PhysicsError::Energy`] outside that range.
    pub fn coherent(material: &Material, energy_kev: f64) -> Result<Self, PhysicsError> {
        check_energy(energy_kev, || material.name().to_owned())?;
        Ok(Self::new(|cosine| material.coherent_cm2_g_sr(energy_kev, cosine)))
    }

    /// Distribution of a coefficient that is given by the cosine, in cm²/g per steradian.
    fn new(per_sr: impl Fn(f64) -> f64) -> Self {
        let angle = |node: f64| PI * (node / NODES as f64).powi(2);
        let density = |theta: f64| 2.0 * PI * theta.sin() * per_sr(theta.cos());
        let (mut cosines, mut cumulative) = (vec![1.0], vec![0.0]);
        let (mut sum, mut sum_of_cosines, mut before) = (0.0, 0.0, [0.0, 0.0]);
        for node in 0..NODES {
            let [from, to] = [node, node + 1].map(|node| angle(node as f64));
            let middle = 0.5 * (from + to);
            let at = |theta: f64| [1.0, theta.cos()].map(|weight| weight * density(theta));
            let (half, behind) = (at(middle), at(to));
            let simpson = |i: usize| (to - from) / 6.0 * (before[i] + 4.0 * half[i] + behind[i]);
            (sum, sum_of_cosines, before) = (sum + simpson(0), sum_of_cosines + simpson(1), behind);
            cosines.push(to.cos());
            cumulative.push(sum);
        }
        cumulative.iter_mut().for_each(|value| *value /= sum);
        Self { cosines, cumulative, total_cm2_g: sum, mean_cosine: sum_of_cosines / sum }
    }

    /// Coefficient over all angles, in cm²/g. [`Material::attenuation`] has it by other tables: they agree within 2 % for
    /// incoherent scattering and for coherent scattering up to zinc; up to uranium, coherent integrals fall up to 12 % below.
    #[must_use]
    pub fn total_cm2_g(&self) -> f64 {
        self.total_cm2_g
    }

    /// Mean cosine of the angle.
    #[must_use]
    pub fn mean_cosine(&self) -> f64 {
        self.mean_cosine
    }

    /// Cosine of the angle below which a share of the photons is scattered: 1 at 0, −1 at 1.
    #[must_use]
    pub fn cosine_at(&self, share: f64) -> f64 {
        let (i, along) = place(&self.cumulative, share);
        lerp(self.cosines[i], self.cosines[i + 1], along.clamp(0.0, 1.0))
    }

    /// Cosines at `count` equal steps of the share from 0 to 1: a table from which a kernel draws by one interpolation.
    #[must_use]
    pub fn cosines(&self, count: usize) -> Vec<f64> {
        (0..count).map(|i| self.cosine_at(i as f64 / (count - 1).max(1) as f64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{Element, klein_nishina};

    fn water() -> Material {
        Material::by_name("water").unwrap()
    }

    fn degrees(angles: &ScatterAngles) -> [f64; 3] {
        [0.1, 0.5, 0.9].map(|share| angles.cosine_at(share).acos().to_degrees())
    }

    #[test]
    fn water_at_60_kev_scatters_as_another_program_says() {
        // xraylib 4.3.0: coefficient in cm²/g; of its differential coefficients at 40,000 angles the mean cosine, and the angles in
        // degrees below which 10, 50 and 90 % are scattered.
        let compton = ScatterAngles::incoherent(&water(), 60.0).unwrap();
        let rayleigh = ScatterAngles::coherent(&water(), 60.0).unwrap();
        for (angles, total, cosine, want) in [
            (compton, 0.177_03, 0.0555, [30.552, 83.750, 146.148]),
            (rayleigh, 0.013_92, 0.8856, [3.1397, 13.872, 46.319]),
        ] {
            assert!((angles.total_cm2_g() / total - 1.0).abs() < 0.01, "{}", angles.total_cm2_g());
            assert!((angles.mean_cosine() - cosine).abs() < 1e-4, "{}", angles.mean_cosine());
            for (got, want) in degrees(&angles).into_iter().zip(want) {
                assert!((got - want).abs() < 0.03, "{got}°, want {want}°");
            }
        }
    }

    #[test]
    fn totals_of_water_are_those_of_the_attenuation_and_of_another_program() {
        // xraylib 4.3.0: Compton, Rayleigh and photo-electric coefficients, cm²/g.
        for (energy, want) in [
            (20.0, [0.177_36, 0.088_56, 0.543_91]),
            (30.0, [0.182_88, 0.046_94, 0.145_78]),
            (60.0, [0.177_03, 0.013_92, 0.014_93]),
            (80.0, [0.169_72, 0.008_16, 0.005_77]),
            (100.0, [0.162_61, 0.005_35, 0.002_76]),
            (120.0, [0.156_07, 0.003_77, 0.001_52]),
        ] {
            let tables = water().attenuation(energy).unwrap();
            let got = [tables.incoherent_cm2_g, tables.coherent_cm2_g, tables.photoelectric_cm2_g];
            for (got, want) in got.into_iter().zip(want) {
                assert!((got / want - 1.0).abs() < 5e-3, "{energy} keV: {got}, want {want}");
            }
            let integrals = [ScatterAngles::incoherent, ScatterAngles::coherent]
                .map(|angles| angles(&water(), energy).unwrap().total_cm2_g());
            for (got, want) in integrals.into_iter().zip(want) {
                assert!((got / want - 1.0).abs() < 0.02, "{energy} keV: integral {got}, want {want}");
            }
        }
        assert!((water().attenuation(60.0).unwrap().total_cm2_g() / 0.205_87 - 1.0).abs() < 1e-3);
    }

    #[test]
    fn angles_integrate_to_elams_coefficients_for_every_element() {
        for element in Element::all() {
            let material = Material::of_element(element);
            for energy in [10.0, 30.0, 60.0, 150.0] {
                let tables = element.attenuation(energy).unwrap();
                let incoherent = ScatterAngles::incoherent(&material, energy).unwrap().total_cm2_g();
                let coherent = ScatterAngles::coherent(&material, energy).unwrap().total_cm2_g();
                let ratios = [incoherent / tables.incoherent_cm2_g, coherent / tables.coherent_cm2_g];
                // Form factors and coefficients are of different models of the heavy atoms, whose electrons are relativistic.
                let tolerances = [0.02, if element.atomic_number() <= 30 { 0.015 } else { 0.12 }];
                let is_near = ratios.iter().zip(tolerances).all(|(ratio, tolerance)| (ratio - 1.0).abs() < tolerance);
                assert!(is_near, "{} {energy}: {ratios:?}", element.symbol());
            }
        }
    }

    #[test]
    fn free_electrons_are_the_limit_and_drawn_cosines_have_their_mean() {
        let compton = ScatterAngles::incoherent(&water(), 150.0).unwrap();
        assert!((compton.mean_cosine() - klein_nishina::mean_cosine(150.0)).abs() < 0.01);
        let table = compton.cosines(4097);
        assert_eq!((table.len(), table[0], table[4096]), (4097, 1.0, -1.0));
        assert!(table.windows(2).all(|pair| pair[0] > pair[1]));
        let mean = table.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).sum::<f64>() / 4096.0;
        assert!((mean - compton.mean_cosine()).abs() < 1e-4, "{mean}");
        let message = ScatterAngles::coherent(&water(), 1.0).unwrap_err().to_string();
        assert_eq!(message, "energy in water must be 5 to 150 keV, got 1 keV");
    }
}
