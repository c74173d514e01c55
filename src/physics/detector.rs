use serde::{Deserialize, Serialize};

use super::{Element, Layer, Material, PhysicsError, Spectrum, klein_nishina, table::ENERGY_RANGE_KEV};

/// Density of amorphous selenium, in g/cm³; the table of elements has the grey form.
const AMORPHOUS_SELENIUM_G_CM3: f64 = 4.28;
/// Steps of Simpson's rule over the direction of secondary photons.
const STEPS: u32 = 200;
/// Energy of an edge times this is below it.
const BELOW_EDGE: f64 = 1.0 - 1e-9;

/// What fills the K shell of an element again.
struct KShell {
    symbol: &'static str,
    /// Share of the vacancies that a photon fills.
    fluorescence_yield: f64,
    /// Kα and Kβ: their shares of these photons, and mean energies in keV.
    lines: [(f64, f64); 2],
}

/// W. T. Elam, B. D. Ravel, J. R. Sieber, *Radiat. Phys. Chem.* 63:121 (2002), by xraydb 4.5.8; Kα are the lines from L shells, Kβ all
/// others, each with its mean energy by intensity.
const K_SHELLS: [KShell; 4] = [
    KShell { symbol: "Se", fluorescence_yield: 0.5738, lines: [(0.8630, 11.210), (0.1370, 12.501)] },
    KShell { symbol: "I", fluorescence_yield: 0.8934, lines: [(0.8219, 28.508), (0.1781, 32.420)] },
    KShell { symbol: "Cs", fluorescence_yield: 0.9118, lines: [(0.8177, 30.851), (0.1823, 35.129)] },
    KShell { symbol: "Gd", fluorescence_yield: 0.9660, lines: [(0.8030, 42.751), (0.1970, 48.957)] },
];

/// What a detector turns photons into light or charge with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Converter {
    /// Caesium iodide, grown in needles that fill 0.7 to 0.85 of the layer; its thallium is left out.
    CaesiumIodide,
    /// Gadolinium oxysulphide, a powder that fills 0.5 to 0.6 of the layer; its binder is left out.
    GadoliniumOxysulphide,
    /// Amorphous selenium, which fills the layer.
    Selenium,
}

impl Converter {
    /// The material without gaps: 4.51, 7.44 and 4.28 g/cm³.
    fn material(self) -> Result<Material, PhysicsError> {
        match self {
            Self::CaesiumIodide => Material::by_name("caesium-iodide"),
            Self::GadoliniumOxysulphide => Material::by_name("gadolinium-oxysulphide"),
            Self::Selenium => Material::by_name("Se")?.with_density(AMORPHOUS_SELENIUM_G_CM3),
        }
    }
}

/// What a detector sums.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// Every photon that interacts counts 1.
    Counts,
    /// Energy deposited, in keV.
    Energy,
}

/// Photons and the first moments of what they give a detector: sums over photons, of one or of a whole spectrum.
///
/// Photons come independently, so that the variance of the summed signal is Σ signal².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Photons that reach the cover.
    pub incident: f64,
    /// Photons that interact in the layer, m₀.
    pub interacting: f64,
    /// Sum of their signals, m₁: counts or keV.
    pub signal: f64,
    /// Sum of the squares of their signals with the noise of the optical gain, m₂: counts or keV².
    pub signal_squared: f64,
}

impl Moments {
    /// Share of the photons that interact; not a number where none came.
    #[must_use]
    pub fn absorption(&self) -> f64 {
        self.interacting / self.incident
    }

    /// Swank factor m₁²/(m₀·m₂), after R. K. Swank, *J. Appl. Phys.* 44:4199 (1973); not a number where nothing interacts.
    #[must_use]
    pub fn swank(&self) -> f64 {
        self.signal * self.signal / (self.interacting * self.signal_squared)
    }

    /// Detective quantum efficiency of large areas, DQE(0) = m₁²/(N·m₂): absorption times Swank factor.
    #[must_use]
    pub fn dqe(&self) -> f64 {
        self.signal * self.signal / (self.incident * self.signal_squared)
    }

    /// The sum with `share` of another.
    fn plus(self, share: f64, other: Self) -> Self {
        Self {
            incident: self.incident + share * other.incident,
            interacting: self.interacting + share * other.interacting,
            signal: self.signal + share * other.signal,
            signal_squared: self.signal_squared + share * other.signal_squared,
        }
    }
}

/// The layer of a flat detector in which photons are absorbed, behind a cover.
///
/// ```text
/// η = exp(−Σ µ_c·t_c/cos β) · (1 − exp(−µ·d/cos β))
/// ```
/// where β is the angle of the ray to the detector's normal, d the layer's thickness and µ that of photo-electric absorption and incoherent
/// scattering; coherent scattering leaves no energy and turns the photon little.
///
/// A photon that interacts deposits its energy E less that of one secondary photon, if there is one and it escapes: Kα or Kβ of selenium,
/// iodine, caesium or gadolinium, or the scattered photon with its mean energy by Klein and Nishina. Secondary photons start where the
/// first one interacted, in all directions alike, and give all their energy or leave through either face. What other secondaries take away
/// (a second generation, L lines, electrons) is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    material: Material,
    thickness_mm: f64,
    cover: Vec<Layer>,
    optical_swank: f64,
}

/// Secondary photons of an interaction.
struct Secondary {
    /// How many there are for a photon that interacts.
    share: f64,
    energy_kev: f64,
}

impl Detector {
    /// Layer of a thickness in millimetres, of which the converter fills the share `packing`, without a cover or optical noise.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a thickness that is not positive, or a packing not above 0 and up to 1.
    pub fn new(converter: Converter, thickness_mm: f64, packing: f64) -> Result<Self, PhysicsError> {
        if !(thickness_mm > 0.0 && thickness_mm.is_finite()) {
            let got = format!("{thickness_mm} mm");
            return Err(PhysicsError::value("thickness of the detector's layer", "positive and finite", got));
        }
        check_share("packing of the detector's layer", packing)?;
        let solid = converter.material()?;
        let density_g_cm3 = solid.density_g_cm3() * packing;
        let material = solid.with_density(density_g_cm3)?;
        Ok(Self { material, thickness_mm, cover: Vec::new(), optical_swank: 1.0 })
    }

    /// The same layer behind a cover.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a thickness that is negative or not finite.
    pub fn with_cover(self, cover: Vec<Layer>) -> Result<Self, PhysicsError> {
        Layer::check(&cover)?;
        Ok(Self { cover, ..self })
    }

    /// The same layer with a gain (light or charge for a keV) that fluctuates from photon to photon: its Swank factor, (mean)²/(mean
    /// square). It multiplies that of the deposited energy; counting is free of it.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a factor not above 0 and up to 1.
    pub fn with_optical_swank(self, optical_swank: f64) -> Result<Self, PhysicsError> {
        check_share("optical Swank factor", optical_swank)?;
        Ok(Self { optical_swank, ..self })
    }

    /// Material of the layer, at the density that the packing leaves.
    #[must_use]
    pub fn material(&self) -> &Material {
        &self.material
    }

    /// Share η of the photons of an energy that interact, `cosine` being that of the ray's angle to the normal.
    ///
    /// # Errors
    /// [`PhysicsError`] for an energy outside 5 to 150 keV, or a cosine not above 0 and up to 1.
    pub fn absorption(&self, energy_kev: f64, cosine: f64) -> Result<f64, PhysicsError> {
        check_share("cosine of the ray's angle", cosine)?;
        let cover = Layer::depth(&self.cover, energy_kev)?;
        Ok((-cover / cosine).exp() * -(-self.depth(energy_kev)? / cosine).exp_m1())
    }

    /// Share of the interacting photons that lose a K photon: 0 below the edge.
    ///
    /// # Errors
    /// As [`Detector::absorption`].
    pub fn fluorescence_escape(&self, energy_kev: f64, cosine: f64) -> Result<f64, PhysicsError> {
        check_share("cosine of the ray's angle", cosine)?;
        self.fluorescence(energy_kev)?.iter().try_fold(0.0, |sum, line| Ok(sum + self.lost(line, energy_kev, cosine)?))
    }

    /// Moments for one photon of an energy that reaches the cover.
    ///
    /// # Errors
    /// As [`Detector::absorption`].
    pub fn moments(&self, energy_kev: f64, cosine: f64, weighting: Weighting) -> Result<Moments, PhysicsError> {
        let interacting = self.absorption(energy_kev, cosine)?;
        if weighting == Weighting::Counts {
            return Ok(Moments { incident: 1.0, interacting, signal: interacting, signal_squared: interacting });
        }
        let [mut mean, mut square] = [energy_kev, energy_kev * energy_kev];
        for secondary in self.fluorescence(energy_kev)?.into_iter().chain([self.scattered(energy_kev)?]) {
            let lost = self.lost(&secondary, energy_kev, cosine)?;
            let left_kev = energy_kev - secondary.energy_kev;
            mean -= lost * secondary.energy_kev;
            square -= lost * (energy_kev * energy_kev - left_kev * left_kev);
        }
        let [signal, signal_squared] = [interacting * mean, interacting * square / self.optical_swank];
        Ok(Moments { incident: 1.0, interacting, signal, signal_squared })
    }

    /// Moments for a mm² of a spectrum (its fluence is per mm²).
    ///
    /// # Errors
    /// As [`Detector::absorption`].
    pub fn spectrum_moments(
        &self,
        spectrum: &Spectrum,
        cosine: f64,
        weighting: Weighting,
    ) -> Result<Moments, PhysicsError> {
        let mut bins = spectrum.energies_kev().iter().zip(spectrum.fluence_per_mm2());
        bins.try_fold(Moments::default(), |sum, (&energy_kev, &fluence)| {
            Ok(sum.plus(fluence, self.moments(energy_kev, cosine, weighting)?))
        })
    }

    /// Mean free paths in the layer's thickness.
    fn depth(&self, energy_kev: f64) -> Result<f64, PhysicsError> {
        let attenuation = self.material.attenuation(energy_kev)?;
        let per_cm = attenuation.without_coherent_cm2_g() * self.material.density_g_cm3();
        // cm⁻¹ to mm⁻¹.
        Ok(per_cm / 10.0 * self.thickness_mm)
    }

    /// K photons: by the element's share of the interactions, the K shell's of its photo-electric absorption (the jump at the
    /// edge), the yield and the line's.
    fn fluorescence(&self, energy_kev: f64) -> Result<Vec<Secondary>, PhysicsError> {
        let all = self.material.attenuation(energy_kev)?;
        let interactions = all.without_coherent_cm2_g();
        let mut secondaries = Vec::new();
        for (element, fraction) in self.material.composition() {
            let shell = K_SHELLS.iter().find(|shell| shell.symbol == element.symbol());
            let edge = element.absorption_edges_kev().into_iter().next_back();
            if let (Some(shell), Some(edge_kev)) = (shell, edge.filter(|&edge| energy_kev >= edge)) {
                let absorbed = fraction * element.attenuation(energy_kev)?.photoelectric_cm2_g / interactions;
                let photons = absorbed * k_share(*element, edge_kev)? * shell.fluorescence_yield;
                let lines = shell.lines.map(|(share, energy_kev)| Secondary { share: photons * share, energy_kev });
                secondaries.extend(lines);
            }
        }
        Ok(secondaries)
    }

    /// Photons of incoherent scattering.
    fn scattered(&self, energy_kev: f64) -> Result<Secondary, PhysicsError> {
        let all = self.material.attenuation(energy_kev)?;
        let share = all.incoherent_cm2_g / all.without_coherent_cm2_g();
        Ok(Secondary { share, energy_kev: energy_kev * klein_nishina::mean_energy_ratio(energy_kev) })
    }

    /// How many of the secondary photons escape, for a photon that interacts.
    fn lost(&self, secondary: &Secondary, energy_kev: f64, cosine: f64) -> Result<f64, PhysicsError> {
        // Scattering takes photons of 5 keV to 4.95 keV, below the table.
        let out = self.depth(secondary.energy_kev.max(ENERGY_RANGE_KEV[0]))?;
        Ok(secondary.share * escape(self.depth(energy_kev)? / cosine, out))
    }
}

/// Share of the photo-electric absorption that takes place in the K shell, above its edge.
fn k_share(element: Element, edge_kev: f64) -> Result<f64, PhysicsError> {
    let [below, above] = [element.attenuation(edge_kev * BELOW_EDGE)?, element.attenuation(edge_kev)?];
    Ok(1.0 - below.photoelectric_cm2_g / above.photoelectric_cm2_g)
}

/// Share of isotropic photons that leave a layer in which they start as deep as others are absorbed.
///
/// ```text
/// G = ½·∫₀¹ [ a·(1 − e^(−a−c))/(a + c) + a·(e^(−c) − e^(−a))/(a − c) ] dζ / (1 − e^(−a)),   c = b/ζ
/// ```
/// where a and b are the layer's thicknesses in mean free paths of the incident ray and of the secondary photons, ζ is the cosine of their
/// angle to the normal, and the terms are those of the front and the back. With ζ = u² nodes are close where flat rays end.
fn escape(a: f64, b: f64) -> f64 {
    let leaving = |zeta: f64| {
        let c = b / zeta;
        let front = -(-a - c).exp_m1() / (a + c);
        let apart = (a - c).abs();
        let back = if apart > 0.0 { -(-apart).exp_m1() / apart } else { 1.0 } * (-a.min(c)).exp();
        a * (front + back)
    };
    let sum: f64 = (1..=STEPS)
        .map(|step| {
            let u = f64::from(step) / f64::from(STEPS);
            let simpson = if step == STEPS { 1.0 } else { 2.0 * f64::from(1 + step % 2) };
            simpson * 2.0 * u * leaving(u * u)
        })
        .sum();
    // At u = 0 the integrand is 0.
    0.5 * sum / (3.0 * f64::from(STEPS)) / -(-a).exp_m1()
}

fn check_share(what: &str, share: f64) -> Result<(), PhysicsError> {
    match share > 0.0 && share <= 1.0 {
        true => Ok(()),
        false => Err(PhysicsError::value(what, "above 0 and up to 1", share.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::phantom::random::Random;

    const ALL: [Converter; 3] = [Converter::CaesiumIodide, Converter::GadoliniumOxysulphide, Converter::Selenium];

    fn caesium_iodide(thickness_mm: f64) -> Detector {
        Detector::new(Converter::CaesiumIodide, thickness_mm, 0.8).unwrap()
    }

    #[test]
    fn moments_are_those_of_photons_followed_one_by_one() {
        let histories = 400_000;
        for (converter, thickness, packing, energy, cosine) in [
            (Converter::CaesiumIodide, 0.6, 0.8, 40.0, 1.0),
            (Converter::CaesiumIodide, 0.2, 0.7, 60.0, 0.6),
            (Converter::GadoliniumOxysulphide, 0.2, 0.5, 60.0, 1.0),
            (Converter::Selenium, 1.0, 1.0, 20.0, 1.0),
            (Converter::Selenium, 0.5, 1.0, 100.0, 0.9),
        ] {
            let detector = Detector::new(converter, thickness, packing).unwrap();
            let mut secondaries = detector.fluorescence(energy).unwrap();
            secondaries.push(detector.scattered(energy).unwrap());
            let a = detector.depth(energy).unwrap();
            let mut stream = Random::new(7);
            let mut uniform = || stream.within(0.0, 1.0);
            // Of the deposited energy: powers 0, 1, 2 and 4.
            let mut sums = [0.0; 4];
            for _ in 0..histories {
                // In units of the layer's thickness.
                let depth = -uniform().ln() * cosine / a;
                if depth > 1.0 {
                    continue;
                }
                let mut random = uniform();
                let mut deposited = energy;
                for secondary in &secondaries {
                    random -= secondary.share;
                    if random < 0.0 {
                        let path = -uniform().ln() / detector.depth(secondary.energy_kev).unwrap();
                        let end = depth + path * (2.0 * uniform() - 1.0);
                        if !(0.0..=1.0).contains(&end) {
                            deposited -= secondary.energy_kev;
                        }
                        break;
                    }
                }
                let powers = [0, 1, 2, 4].map(|power| deposited.powi(power));
                sums = std::array::from_fn(|i| sums[i] + powers[i]);
            }
            let got = detector.moments(energy, cosine, Weighting::Energy).unwrap();
            let [share, mean, square, fourth] = sums.map(|sum| sum / f64::from(histories));
            for (want, followed, squares) in
                [(got.interacting, share, share), (got.signal, mean, square), (got.signal_squared, square, fourth)]
            {
                let standard_error = ((squares - followed * followed) / f64::from(histories)).sqrt();
                let [off, bound] = [(followed - want).abs(), 4.0 * standard_error];
                assert!(
                    off <= bound + 1e-6 * want,
                    "{converter:?} {energy} keV: {want}, followed {followed} ± {standard_error}"
                );
            }
            let swank = mean * mean / (share * square);
            assert!((got.swank() - swank).abs() < 2e-3, "{}, followed {swank}", got.swank());
            // The control: without secondary photons the signal would be far off.
            assert!(got.interacting * energy > mean * 1.02);
        }
    }

    #[test]
    fn escape_has_its_limits() {
        // Thick: only the front, ½·(1 − (b/a)·ln(1 + a/b)) with a and b as coefficients.
        for (a, b) in [(100.0_f64, 50.0_f64), (60.0, 600.0), (400.0, 40.0)] {
            let want = 0.5 * (1.0 - b / a * (1.0 + a / b).ln());
            assert!((escape(a, b) - want).abs() < 1e-9, "{a} {b}: {}, want {want}", escape(a, b));
        }
        // Thin: all. Opaque to its own photons: none. A coefficient at which both terms meet: no break.
        assert!(escape(0.5, 1e-5) > 0.999 && escape(1e-4, 1e-5) > 0.999 && escape(0.5, 1e5) < 1e-5);
        let [before, at, behind] = [0.999, 1.0, 1.001].map(|b| escape(1.0, b));
        assert!((0.5 * (before + behind) - at).abs() < 1e-6 && before > at && at > behind);
    }

    #[test]
    fn absorption_is_the_exponential_behind_the_cover() {
        let detector = caesium_iodide(0.6);
        let attenuation = detector.material().attenuation(60.0).unwrap();
        let depth = (attenuation.photoelectric_cm2_g + attenuation.incoherent_cm2_g) * 4.51 * 0.8 * 0.06;
        for cosine in [1.0, 0.7] {
            let got = detector.absorption(60.0, cosine).unwrap();
            assert!((got - (1.0 - (-depth / cosine).exp())).abs() < 1e-12);
            let carbon = Layer { material: Material::by_name("C").unwrap(), thickness_mm: 1.0 };
            let cover = carbon.material.attenuation_per_mm(60.0).unwrap();
            let covered = detector.clone().with_cover(vec![carbon]).unwrap().absorption(60.0, cosine).unwrap();
            assert!((covered - got * (-cover / cosine).exp()).abs() < 1e-12);
        }
        assert!(detector.absorption(60.0, 0.7).unwrap() > detector.absorption(60.0, 1.0).unwrap());
        for converter in ALL {
            assert_eq!(Detector::new(converter, 1e4, 1.0).unwrap().absorption(60.0, 1.0).unwrap(), 1.0);
        }
        // S. Kasap et al., Sensors 11:5112 (2011), table 1: mean free paths in amorphous selenium of 49 µm at 20 keV and 998 µm at 60 keV,
        // coherent scattering included.
        for (energy, path_mm) in [(20.0, 0.049), (60.0, 0.998)] {
            let selenium = Detector::new(Converter::Selenium, path_mm, 1.0).unwrap();
            let paths = selenium.material().attenuation_per_mm(energy).unwrap() * path_mm;
            assert!((paths - 1.0).abs() < 0.02, "{energy} keV: {paths}");
            let depth = selenium.depth(energy).unwrap();
            assert!(depth < paths && depth > 0.9 * paths, "{energy} keV: {depth}, {paths}");
        }
    }

    #[test]
    fn fluorescence_begins_at_the_edge_and_takes_energy_with_it() {
        for (converter, thickness, packing, edge) in [
            (Converter::CaesiumIodide, 0.6, 0.8, 33.17),
            (Converter::GadoliniumOxysulphide, 0.2, 0.5, 50.24),
            (Converter::Selenium, 1.0, 1.0, 12.66),
        ] {
            let detector = Detector::new(converter, thickness, packing).unwrap();
            let [below, above] = [edge - 0.1, edge + 0.1];
            assert_eq!(detector.fluorescence_escape(below, 1.0).unwrap(), 0.0);
            let escape = detector.fluorescence_escape(above, 1.0).unwrap();
            assert!((0.02..0.6).contains(&escape), "{converter:?}: {escape}");
            let swank = |energy| detector.moments(energy, 1.0, Weighting::Energy).unwrap().swank();
            // Below it, incoherent scattering alone.
            assert!(swank(below) > 0.97 && swank(above) < swank(below) - 0.01);
            // Of the same beam, a thicker layer keeps more.
            let thick = Detector::new(converter, 2.0 * thickness, packing).unwrap();
            let kept = |detector: &Detector| {
                let moments = detector.moments(above, 1.0, Weighting::Energy).unwrap();
                moments.signal / moments.interacting
            };
            assert!(kept(&thick) > kept(&detector) && kept(&thick) < above);
        }
        // K shells take 83 to 87 % of the absorption above their edges.
        for shell in &K_SHELLS {
            let element = Element::from_symbol(shell.symbol).unwrap();
            let edge = *element.absorption_edges_kev().last().unwrap();
            let share = k_share(element, edge).unwrap();
            assert!((0.80..0.88).contains(&share), "{}: {share}", shell.symbol);
            assert!((shell.lines[0].0 + shell.lines[1].0 - 1.0).abs() < 1e-9);
            assert!(shell.lines.iter().all(|(_, energy)| *energy < edge && *energy > 0.8 * edge));
        }
    }

    #[test]
    fn swank_and_dqe_are_those_of_their_definitions() {
        let detector = caesium_iodide(0.6).with_optical_swank(0.8).unwrap();
        for energy in [20.0, 34.0, 60.0, 120.0] {
            let moments = detector.moments(energy, 0.9, Weighting::Energy).unwrap();
            let absorption = detector.absorption(energy, 0.9).unwrap();
            assert_eq!(moments.absorption(), absorption);
            let swank = moments.signal.powi(2) / (moments.interacting * moments.signal_squared);
            assert!((moments.swank() - swank).abs() < 1e-15 && moments.swank() <= 0.8);
            assert!((moments.dqe() - absorption * swank).abs() < 1e-15);
            let free = caesium_iodide(0.6).moments(energy, 0.9, Weighting::Energy).unwrap();
            assert!((swank - 0.8 * free.swank()).abs() < 1e-12);
            // Counting knows neither.
            let counted = detector.moments(energy, 0.9, Weighting::Counts).unwrap();
            assert!((counted.swank() - 1.0).abs() < 1e-15 && (counted.dqe() - absorption).abs() < 1e-15);
        }
        // A spectrum of two energies: sums, and less than the mean of its parts.
        let two = Spectrum::new(vec![30.0, 90.0], vec![2.0, 1.0]).unwrap();
        let sum = detector.spectrum_moments(&two, 1.0, Weighting::Energy).unwrap();
        let [soft, hard] = [30.0, 90.0].map(|energy| detector.moments(energy, 1.0, Weighting::Energy).unwrap());
        assert!((sum.signal - 2.0 * soft.signal - hard.signal).abs() < 1e-12 && sum.incident == 3.0);
        assert!(sum.swank() < (2.0 * soft.swank() + hard.swank()) / 3.0);
        let one = Spectrum::new(vec![60.0], vec![5.0]).unwrap();
        let many = detector.spectrum_moments(&one, 1.0, Weighting::Energy).unwrap();
        assert!((many.swank() - detector.moments(60.0, 1.0, Weighting::Energy).unwrap().swank()).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_is_refused_in_one_line() {
        let refused = |mm, packing| Detector::new(Converter::CaesiumIodide, mm, packing).unwrap_err().to_string();
        assert_eq!(refused(0.0, 0.8), "thickness of the detector's layer must be positive and finite, got 0 mm");
        assert!(refused(f64::INFINITY, 0.8).ends_with("got inf mm"));
        assert_eq!(refused(0.6, 1.2), "packing of the detector's layer must be above 0 and up to 1, got 1.2");
        let detector = caesium_iodide(0.6);
        let message = detector.clone().with_optical_swank(0.0).unwrap_err().to_string();
        assert_eq!(message, "optical Swank factor must be above 0 and up to 1, got 0");
        let message = detector.absorption(60.0, 0.0).unwrap_err().to_string();
        assert_eq!(message, "cosine of the ray's angle must be above 0 and up to 1, got 0");
        assert!(detector.fluorescence_escape(60.0, f64::NAN).is_err());
        let message = detector.moments(200.0, 1.0, Weighting::Energy).unwrap_err().to_string();
        assert_eq!(message, "energy in caesium-iodide must be 5 to 150 keV, got 200 keV");
        let cover = Layer { material: Material::by_name("Al").unwrap(), thickness_mm: f64::NAN };
        assert!(detector.with_cover(vec![cover]).is_err());
    }

    proptest! {
        #[test]
        fn moments_are_ordered_and_thicker_layers_see_more(
            which in 0..3_usize, mm in 0.01..2.0_f64, packing in 0.3..1.0_f64, energy in 5.0..150.0_f64, cosine in 0.1..1.0_f64,
        ) {
            let detector = Detector::new(ALL[which], mm, packing).unwrap();
            let moments = detector.moments(energy, cosine, Weighting::Energy).unwrap();
            prop_assert!(moments.absorption() > 0.0 && moments.absorption() <= 1.0);
            prop_assert!(moments.signal > 0.0 && moments.signal <= moments.interacting * energy);
            prop_assert!(moments.swank() > 0.0 && moments.swank() <= 1.0 + 1e-12);
            let thicker = Detector::new(ALL[which], 1.1 * mm, packing).unwrap();
            let more = thicker.moments(energy, cosine, Weighting::Energy).unwrap();
            prop_assert!(more.interacting >= moments.interacting && more.signal >= moments.signal);
            let escape = detector.fluorescence_escape(energy, cosine).unwrap();
            prop_assert!((0.0..1.0).contains(&escape));
        }
    }
}
