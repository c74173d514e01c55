use super::{Attenuation, Element, PhysicsError, table::check_energy};

/// How far the sum of a composition may be from 1: tables give three digits for up to a dozen elements.
pub const FRACTION_TOLERANCE: f64 = 0.005;

/// A homogeneous material: elements by mass, and a density.
///
/// ```text
/// µ/ρ = Σ wᵢ·(µ/ρ)ᵢ
/// ```
/// where wᵢ is the mass fraction of element i and (µ/ρ)ᵢ its mass attenuation coefficient: bonds between atoms do not count
/// above a few keV.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    name: String,
    density_g_cm3: f64,
    composition: Vec<(Element, f64)>,
}

impl Material {
    /// Material of mass fractions that sum to 1 within [`FRACTION_TOLERANCE`] and are then scaled to do so exactly; an
    /// element may come more than once.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a density or a fraction that is not positive, or a sum that is not 1.
    pub fn new(
        name: impl Into<String>,
        density_g_cm3: f64,
        composition: impl IntoIterator<Item = (Element, f64)>,
    ) -> Result<Self, PhysicsError> {
        let name = name.into();
        if !(density_g_cm3 > 0.0 && density_g_cm3.is_finite()) {
            return Err(PhysicsError::value(
                format!("density of {name}"),
                "positive",
                format!("{density_g_cm3} g/cm³"),
            ));
        }
        let mut joined: Vec<(Element, f64)> = Vec::new();
        for (element, fraction) in composition {
            if !(fraction > 0.0 && fraction.is_finite()) {
                let what = format!("mass fraction of {} in {name}", element.symbol());
                return Err(PhysicsError::value(what, "positive", fraction.to_string()));
            }
            match joined.iter_mut().find(|(known, _)| *known == element) {
                Some((_, sum)) => *sum += fraction,
                None => joined.push((element, fraction)),
            }
        }
        let sum = check_sum(&name, joined.iter().map(|(_, fraction)| *fraction))?;
        joined.iter_mut().for_each(|(_, fraction)| *fraction /= sum);
        joined.sort_by_key(|(element, _)| *element);
        Ok(Self { name, density_g_cm3, composition: joined })
    }

    /// The pure element, at its usual density.
    #[must_use]
    pub fn of_element(element: Element) -> Self {
        let (name, density_g_cm3) = (element.symbol().to_owned(), element.density_g_cm3());
        Self { name, density_g_cm3, composition: vec![(element, 1.0)] }
    }

    /// Mixture of materials by mass. Without a density it is the one at which volumes add up, 1/ρ = Σ wᵢ/ρᵢ.
    ///
    /// # Errors
    /// As [`Material::new`].
    pub fn mixed(
        name: impl Into<String>,
        parts: &[(Self, f64)],
        density_g_cm3: Option<f64>,
    ) -> Result<Self, PhysicsError> {
        let name = name.into();
        for (part, share) in parts {
            if !(*share > 0.0 && share.is_finite()) {
                let what = format!("mass fraction of {} in {name}", part.name);
                return Err(PhysicsError::value(what, "positive", share.to_string()));
            }
        }
        let sum = check_sum(&name, parts.iter().map(|(_, share)| *share))?;
        let volume: f64 = parts.iter().map(|(part, share)| share / part.density_g_cm3).sum();
        let elements = parts.iter().flat_map(|(part, share)| {
            part.composition.iter().map(move |(element, fraction)| (*element, share / sum * fraction))
        });
        Self::new(name, density_g_cm3.unwrap_or(sum / volume), elements)
    }

    /// The same material at another density, in g/cm³.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] unless the density is positive.
    pub fn with_density(self, density_g_cm3: f64) -> Result<Self, PhysicsError> {
        Self::new(self.name, density_g_cm3, self.composition)
    }

    /// Name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Density, in g/cm³.
    #[must_use]
    pub fn density_g_cm3(&self) -> f64 {
        self.density_g_cm3
    }

    /// Elements in the order of their numbers with their mass fractions, which sum to 1.
    #[must_use]
    pub fn composition(&self) -> &[(Element, f64)] {
        &self.composition
    }

    /// Mass attenuation coefficients at a photon energy, by process.
    ///
    /// # Errors
    /// [`PhysicsError::Energy`] outside 5 to 150 keV.
    pub fn attenuation(&self, energy_kev: f64) -> Result<Attenuation, PhysicsError> {
        check_energy(energy_kev, || self.name.clone())?;
        self.composition.iter().try_fold(Attenuation::default(), |sum, (element, fraction)| {
            Ok(sum.plus(*fraction, element.attenuation(energy_kev)?))
        })
    }

    /// Linear attenuation coefficient µ at a photon energy, in mm⁻¹, coherent scattering included.
    ///
    /// # Errors
    /// [`PhysicsError::Energy`] outside 5 to 150 keV.
    pub fn attenuation_per_mm(&self, energy_kev: f64) -> Result<f64, PhysicsError> {
        // cm⁻¹ to mm⁻¹.
        Ok(self.attenuation(energy_kev)?.total_cm2_g() * self.density_g_cm3 / 10.0)
    }
}

/// The sum of fractions, if it is 1 within the tolerance.
fn check_sum(name: &str, fractions: impl Iterator<Item = f64>) -> Result<f64, PhysicsError> {
    // From 0.0: the sum of nothing is −0 otherwise.
    let sum: f64 = fractions.fold(0.0, |sum, fraction| sum + fraction);
    match (sum - 1.0).abs() <= FRACTION_TOLERANCE {
        true => Ok(sum),
        false => {
            let what = format!("the sum of mass fractions of {name}");
            Err(PhysicsError::value(what, format!("1 within {FRACTION_TOLERANCE}"), sum.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(parts: &[(&str, f64)]) -> Vec<(Element, f64)> {
        parts.iter().map(|(symbol, share)| (Element::from_symbol(symbol).unwrap(), *share)).collect()
    }

    fn water() -> Material {
        Material::new("water", 1.0, elements(&[("H", 0.111_894), ("O", 0.888_106)])).unwrap()
    }

    #[test]
    fn water_is_nists() {
        // NIST's µ/ρ of liquid water, and µ/ρ of dry air and ICRU cortical bone, cm²/g; Hubbell and Seltzer, table 4.
        for (energy, want) in [(10.0, 5.329), (20.0, 0.8096), (40.0, 0.2683), (60.0, 0.2059), (100.0, 0.1707)] {
            let got = water().attenuation(energy).unwrap().total_cm2_g();
            assert!((got / want - 1.0).abs() < 0.01, "{energy} keV: {got}");
            let linear = water().attenuation_per_mm(energy).unwrap();
            assert!((linear - got / 10.0).abs() < 1e-15);
        }
    }

    #[test]
    fn mixtures_are_sums_by_mass_and_their_volumes_add_up() {
        let iodine = Material::of_element(Element::from_symbol("I").unwrap());
        let parts = [(water(), 0.9), (iodine.clone(), 0.1)];
        let mixture = Material::mixed("contrast", &parts, None).unwrap();
        assert!((mixture.density_g_cm3() - 1.0 / (0.9 + 0.1 / iodine.density_g_cm3())).abs() < 1e-12);
        let [got, a, b] = [&mixture, &water(), &iodine].map(|m| m.attenuation(40.0).unwrap().photoelectric_cm2_g);
        assert!((got - 0.9 * a - 0.1 * b).abs() < 1e-12 * got);
        assert_eq!(Material::mixed("m", &parts, Some(1.2)).unwrap().density_g_cm3(), 1.2);
        assert_eq!(water().with_density(0.5).unwrap().attenuation(40.0), water().attenuation(40.0));
        // Hydrogen of both parts is one entry.
        let twice = Material::mixed("w", &[(water(), 0.5), (water(), 0.5)], None).unwrap();
        assert_eq!(twice.composition().len(), 2);
    }

    #[test]
    fn materials_that_cannot_be_are_refused_in_one_line() {
        let refused = |density: f64, parts: &[(&str, f64)]| {
            Material::new("stuff", density, elements(parts)).unwrap_err().to_string()
        };
        assert_eq!(refused(0.0, &[("H", 1.0)]), "density of stuff must be positive, got 0 g/cm³");
        assert!(refused(f64::NAN, &[("H", 1.0)]).contains("got NaN"));
        let want = "the sum of mass fractions of stuff must be 1 within 0.005, got 0.75";
        assert_eq!(refused(1.0, &[("H", 0.5), ("O", 0.25)]), want);
        assert_eq!(refused(1.0, &[("H", -0.5), ("O", 1.5)]), "mass fraction of H in stuff must be positive, got -0.5");
        assert!(refused(1.0, &[]).ends_with("must be 1 within 0.005, got 0"));
        assert_eq!(
            water().attenuation(151.0).unwrap_err().to_string(),
            "energy in water must be 5 to 150 keV, got 151 keV"
        );
        // Rounding within the tolerance is taken out.
        let rounded = Material::new("r", 1.0, elements(&[("H", 0.112), ("O", 0.885)])).unwrap();
        assert!((rounded.composition().iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-15);
    }
}
