use std::sync::LazyLock;

use super::{
    Element, PhysicsError,
    element::ELEMENT_COUNT,
    table::{check_energy, lerp, numbers, place, rows},
};

/// Mass attenuation coefficients of one photon energy, by process, in cm²/g.
///
/// From the tables of W. T. Elam, B. D. Ravel, J. R. Sieber, *Radiat. Phys. Chem.* 63:121 (2002), by xraydb 4.5.8, for
/// 5 to 150 keV: log-log between 46 energies at equal ratios and both sides of every absorption edge, never across one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attenuation {
    /// Photo-electric absorption.
    pub photoelectric_cm2_g: f64,
    /// Incoherent (Compton) scattering.
    pub incoherent_cm2_g: f64,
    /// Coherent (Rayleigh) scattering.
    pub coherent_cm2_g: f64,
}

impl Attenuation {
    /// All processes together, coherent scattering among them.
    #[must_use]
    pub fn total_cm2_g(&self) -> f64 {
        self.photoelectric_cm2_g + self.incoherent_cm2_g + self.coherent_cm2_g
    }

    /// What changes a photon or ends it: all processes but coherent scattering.
    pub(super) fn without_coherent_cm2_g(&self) -> f64 {
        self.photoelectric_cm2_g + self.incoherent_cm2_g
    }

    /// The sum with `share` of another.
    pub(super) fn plus(self, share: f64, other: Self) -> Self {
        Self {
            photoelectric_cm2_g: self.photoelectric_cm2_g + share * other.photoelectric_cm2_g,
            incoherent_cm2_g: self.incoherent_cm2_g + share * other.incoherent_cm2_g,
            coherent_cm2_g: self.coherent_cm2_g + share * other.coherent_cm2_g,
        }
    }
}

/// Logarithms of an element's table: energies, and photo-electric, coherent and incoherent coefficients.
#[derive(Default)]
struct Curves {
    ln_energy: Vec<f64>,
    ln_coefficients: Vec<[f64; 3]>,
}

static CURVES: LazyLock<Vec<Curves>> = LazyLock::new(|| {
    let mut curves: Vec<Curves> = (0..ELEMENT_COUNT).map(|_| Curves::default()).collect();
    for row in rows(include_str!("../../assets/physics/cross_sections_elam.csv")).map(numbers) {
        if let [z, energy, photoelectric, coherent, incoherent] = row[..] {
            let of_element = &mut curves[z as usize - 1];
            of_element.ln_energy.push(energy.ln());
            of_element.ln_coefficients.push([photoelectric, coherent, incoherent].map(f64::ln));
        }
    }
    curves
});

impl Element {
    /// Mass attenuation coefficients at a photon energy of 5 to 150 keV; at an absorption edge those above it.
    ///
    /// # Errors
    /// [`PhysicsError::Energy`] outside that range.
    pub fn attenuation(self, energy_kev: f64) -> Result<Attenuation, PhysicsError> {
        check_energy(energy_kev, || self.symbol().to_owned())?;
        let curves = &CURVES[self.index()];
        let (i, share) = place(&curves.ln_energy, energy_kev.ln());
        let [from, to] = [i, i + 1].map(|node| curves.ln_coefficients[node]);
        let [photoelectric_cm2_g, coherent_cm2_g, incoherent_cm2_g] =
            std::array::from_fn(|process| lerp(from[process], to[process], share).exp());
        Ok(Attenuation { photoelectric_cm2_g, incoherent_cm2_g, coherent_cm2_g })
    }

    /// Energies of the absorption edges between 5 and 150 keV, ascending, in keV.
    #[must_use]
    pub fn absorption_edges_kev(self) -> Vec<f64> {
        let nodes = &CURVES[self.index()].ln_energy;
        nodes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].exp()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST's tables (Hubbell and Seltzer, NISTIR 5632), which list edges as two rows.
    const NIST: &str = include_str!("../../assets/physics/attenuation_nist.csv");
    /// What the coefficients are held to.
    const TOLERANCE: f64 = 0.01;
    /// Two of NIST's energies closer than this are the two sides of an edge.
    const PAIR: f64 = 3e-4;
    /// Edges of Elam and NIST, who gives four digits, are closer than this.
    const EDGE: f64 = 1e-3;

    /// Rows of NIST within 10 to 150 keV: element, energy, coefficient, and −1 or 1 for what is below or above an edge.
    fn nist() -> impl Iterator<Item = (Element, f64, f64, i32)> {
        let table: Vec<Vec<f64>> = rows(NIST).map(numbers).collect();
        (0..table.len()).filter(|&i| (10.0..=150.0).contains(&table[i][1])).collect::<Vec<_>>().into_iter().map(
            move |i| {
                let is_edge = |a: usize, b: usize| {
                    let near = table.get(a).zip(table.get(b));
                    near.is_some_and(|(a, b)| a[0] == b[0] && (b[1] / a[1] - 1.0).abs() < PAIR && b[2] > a[2])
                };
                let side = i32::from(i > 0 && is_edge(i - 1, i)) - i32::from(is_edge(i, i + 1));
                let element = Element::all().nth(table[i][0] as usize - 1).unwrap();
                (element, table[i][1], table[i][2], side)
            },
        )
    }

    /// The coefficient at an energy, or on the side of the edge that lies there.
    fn total(element: Element, energy: f64, side: i32) -> f64 {
        let edges = element.absorption_edges_kev();
        let edge = edges.into_iter().find(|edge| (edge / energy - 1.0).abs() < EDGE);
        let energy = match (side, edge) {
            (-1, Some(edge)) => edge * (1.0 - 1e-9),
            (1, Some(edge)) => edge * (1.0 + 1e-9),
            _ => energy,
        };
        element.attenuation(energy).unwrap().total_cm2_g()
    }

    #[test]
    fn all_elements_agree_with_nist_at_nists_energies() {
        let (mut count, mut edge_count, mut failures) = (0, 0, Vec::new());
        for (element, energy, want, side) in nist() {
            let error = total(element, energy, side) / want - 1.0;
            (count, edge_count) = (count + 1, edge_count + side.abs());
            if error.abs() > TOLERANCE {
                failures.push(format!("{} {energy} keV ({side}): {:.2} %", element.symbol(), 100.0 * error));
            }
        }
        assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
        assert!(count > 1100 && edge_count > 200, "{count} rows, {edge_count} at edges");
        // The control: the coefficients 1 % higher would fail for many.
        let raised = nist().filter(|&(z, energy, want, side)| (1.01 * total(z, energy, side) / want - 1.0) > TOLERANCE);
        assert!(raised.count() > count / 5);
    }

    #[test]
    fn edges_are_steps_and_not_slopes() {
        // Coefficients of iodine and lead on both sides of the K edge, by NIST.
        for (symbol, edge, below, above) in [("I", 33.169, 6.553, 35.82), ("Pb", 88.005, 1.910, 7.683)] {
            let element = Element::from_symbol(symbol).unwrap();
            let found = element.absorption_edges_kev().into_iter().fold(0.0, f64::max);
            assert!((found / edge - 1.0).abs() < EDGE, "{symbol}: {found}");
            for (shift, want) in [(-1e-6, below), (1e-6, above)] {
                let got = element.attenuation(found * (1.0 + shift)).unwrap().total_cm2_g();
                assert!((got / want - 1.0).abs() < TOLERANCE, "{symbol}: {got}");
            }
        }
    }

    #[test]
    fn every_value_is_a_positive_number_and_energies_ascend() {
        assert_eq!(CURVES.len(), ELEMENT_COUNT);
        for curves in CURVES.iter() {
            assert!(curves.ln_energy.len() >= 46 && curves.ln_energy.is_sorted());
            assert!(curves.ln_coefficients.as_flattened().iter().all(|value| value.is_finite()));
        }
        let message = Element::from_symbol("W").unwrap().attenuation(4.9).unwrap_err().to_string();
        assert_eq!(message, "energy in W must be 5 to 150 keV, got 4.9 keV");
    }
}
