//! How atoms scatter otherwise than free electrons do: form factors, scattering functions, Compton profiles.

use std::sync::LazyLock;

use super::{
    Element, Material, klein_nishina,
    klein_nishina::ELECTRON_RADIUS_CM,
    table::{lerp, numbers, place, rows},
};

/// Photon energy times wavelength, in keV·Å (exact in the SI since 2019, here in 10 digits).
pub const KEV_ANGSTROM: f64 = 12.398_419_84;
/// Avogadro's number, in mol⁻¹ (exact in the SI since 2019).
pub const AVOGADRO_PER_MOL: f64 = 6.022_140_76e23;

/// A table with one row for each node and one column for each element.
struct ByElement {
    nodes: Vec<f64>,
    /// By node, then by element.
    values: Vec<Vec<f64>>,
}

impl ByElement {
    fn new(text: &'static str) -> Self {
        let rows = rows(text).map(numbers);
        let (nodes, values) = rows.map(|row| (row[0], row[1..].to_vec())).unzip();
        Self { nodes, values }
    }

    /// Value at x, log-log from the first node above 0 on and along a straight line below it; beyond the last node its own.
    fn at(&self, element: Element, x: f64) -> f64 {
        let x = x.min(self.nodes[self.nodes.len() - 1]);
        let (i, share) = place(&self.nodes, x);
        let [from, to] = [i, i + 1].map(|node| self.values[node][element.index()]);
        if i == 0 {
            return lerp(from, to, share);
        }
        let share = (x / self.nodes[i]).ln() / (self.nodes[i + 1] / self.nodes[i]).ln();
        lerp(from.ln(), to.ln(), share).exp()
    }
}

static FORM_FACTORS: LazyLock<ByElement> =
    LazyLock::new(|| ByElement::new(include_str!("../../assets/physics/form_factors.csv")));
static SCATTERING_FUNCTIONS: LazyLock<ByElement> =
    LazyLock::new(|| ByElement::new(include_str!("../../assets/physics/scattering_functions.csv")));
static COMPTON_PROFILES: LazyLock<ByElement> =
    LazyLock::new(|| ByElement::new(include_str!("../../assets/physics/compton_profiles.csv")));

/// Momentum transfer of a photon that is scattered, in Å⁻¹.
///
/// ```text
/// x = sin(θ/2)/λ = E·sin(θ/2)/hc
/// ```
/// where E is the energy before the scattering and θ the angle, of which the cosine is given.
#[must_use]
pub fn momentum_transfer_per_angstrom(energy_kev: f64, cosine: f64) -> f64 {
    energy_kev / KEV_ANGSTROM * (0.5 * (1.0 - cosine)).max(0.0).sqrt()
}

impl Element {
    /// Form factor F(x, Z) of coherent scattering: Z at x = 0, falling.
    ///
    /// As xraylib 4.3.0 has it (T. Schoonjans et al., *Spectrochim. Acta B* 66:776, 2011); x in Å⁻¹ up to 12.5.
    #[must_use]
    pub fn form_factor(self, x_per_angstrom: f64) -> f64 {
        FORM_FACTORS.at(self, x_per_angstrom)
    }

    /// Scattering function S(x, Z) of incoherent scattering: the number of electrons that take part, 0 at x = 0, growing to Z.
    ///
    /// As xraylib 4.3.0 has it (T. Schoonjans et al., *Spectrochim. Acta B* 66:776, 2011); x in Å⁻¹ up to 12.5.
    #[must_use]
    pub fn scattering_function(self, x_per_angstrom: f64) -> f64 {
        SCATTERING_FUNCTIONS.at(self, x_per_angstrom)
    }

    /// Compton profile J(p) of the whole atom, in atomic units as p is: the distribution of the electrons' momentum along the
    /// momentum transfer, by which the line of scattered photons is broadened. From p = −∞ to ∞ it sums to Z.
    ///
    /// F. Biggs, L. B. Mendelsohn, J. B. Mann, *At. Data Nucl. Data Tables* 16:201 (1975), by xraylib 4.3.0; |p| up to 100.
    #[must_use]
    pub fn compton_profile(self, momentum: f64) -> f64 {
        COMPTON_PROFILES.at(self, momentum.abs())
    }
}

impl Material {
    /// Differential coefficient of incoherent scattering, in cm²/g per steradian.
    ///
    /// ```text
    /// Σ wᵢ·N_A/Aᵢ · S(x, Zᵢ) · dσ_KN/dΩ
    /// ```
    /// where wᵢ is the mass fraction and Aᵢ the atomic weight of element i, and dσ_KN/dΩ Klein's and Nishina's cross section.
    #[must_use]
    pub fn incoherent_cm2_g_sr(&self, energy_kev: f64, cosine: f64) -> f64 {
        let x = momentum_transfer_per_angstrom(energy_kev, cosine);
        self.per_gram(|element| element.scattering_function(x)) * klein_nishina::differential_cm2_sr(energy_kev, cosine)
    }

    /// Differential coefficient of coherent scattering, in cm²/g per steradian.
    ///
    /// ```text
    /// Σ wᵢ·N_A/Aᵢ · F(x, Zᵢ)² · rₑ²/2·(1 + cos² θ)
    /// ```
    /// Atoms scatter independently: interference between molecules, by which water has a maximum at x = 0.16 Å⁻¹, is no part of it.
    #[must_use]
    pub fn coherent_cm2_g_sr(&self, energy_kev: f64, cosine: f64) -> f64 {
        let x = momentum_transfer_per_angstrom(energy_kev, cosine);
        let thomson = 0.5 * ELECTRON_RADIUS_CM.powi(2) * (1.0 + cosine * cosine);
        self.per_gram(|element| element.form_factor(x).powi(2)) * thomson
    }

    /// Sum over the atoms of a gram.
    fn per_gram(&self, of_atom: impl Fn(Element) -> f64) -> f64 {
        let elements = self.composition().iter();
        elements.map(|&(z, fraction)| fraction * AVOGADRO_PER_MOL / z.atomic_weight() * of_atom(z)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(symbol: &str) -> Element {
        Element::from_symbol(symbol).unwrap()
    }

    #[test]
    fn form_factors_and_scattering_functions_are_xraylibs_at_half_an_inverse_angstrom() {
        for (symbol, form, scattering) in
            [("H", 0.0706, 0.9950), ("C", 1.6856, 4.4777), ("O", 2.3351, 5.8280), ("Ca", 8.2524, 11.157)]
        {
            let got = [element(symbol).form_factor(0.5), element(symbol).scattering_function(0.5)];
            for (got, want) in got.into_iter().zip([form, scattering]) {
                assert!((got / want - 1.0).abs() < 1e-3, "{symbol}: {got}, want {want}");
            }
        }
        for (symbol, want) in [("H", 0.849), ("O", 2.78), ("Ca", 7.87)] {
            assert_eq!(element(symbol).compton_profile(0.0), want);
        }
    }

    #[test]
    fn hydrogen_is_the_closed_form() {
        // F = 1/(1 + (2π·a₀·x)²)², S = 1 − F² with Bohr's radius a₀ in Å; J(p) = 8/(3π·(1 + p²)³).
        for x in [0.02, 0.1, 0.33, 0.7, 1.5] {
            let want = (1.0 + (2.0 * std::f64::consts::PI * 0.529_177 * x).powi(2)).powi(-2);
            let (form, scattering) = (element("H").form_factor(x), element("H").scattering_function(x));
            assert!((form / want - 1.0).abs() < 5e-3, "{x}: {form}, want {want}");
            assert!((scattering / (1.0 - want * want) - 1.0).abs() < 5e-3, "{x}: {scattering}");
        }
        for p in [0.0_f64, 0.25, 1.0, 2.2] {
            let want = 8.0 / (3.0 * std::f64::consts::PI * (1.0 + p * p).powi(3));
            let got = element("H").compton_profile(-p);
            assert!((got / want - 1.0).abs() < 0.02, "{p}: {got}, want {want}");
        }
    }

    #[test]
    fn limits_are_those_of_all_electrons() {
        for element in Element::all() {
            let z = f64::from(element.atomic_number());
            assert!((element.form_factor(0.0) / z - 1.0).abs() < 1e-3, "{}", element.symbol());
            assert_eq!(element.scattering_function(0.0), 0.0);
            assert!((element.scattering_function(12.5) / z - 1.0).abs() < 0.03, "{}", element.symbol());
            assert!(element.form_factor(12.5) < 0.05 * z);
            let widths = (0..20_000).map(|i| 0.005 * (f64::from(i) + 0.5));
            let electrons: f64 = widths.map(|p| 2.0 * 0.005 * element.compton_profile(p)).sum();
            assert!((electrons / z - 1.0).abs() < 0.02, "{}: {electrons} electrons", element.symbol());
        }
    }
}
