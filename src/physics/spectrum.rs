use super::{Element, Material, PhysicsError, air_kerma_mgy_mm2, table::check_energy};

/// Largest file of a spectrum that is read: 150,000 bins.
#[cfg(feature = "io")]
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Halvings in the search for a thickness: more than the digits of an `f64`.
const HALVINGS: u32 = 60;

/// Photons of an X-ray beam by energy: bins by their centres, and the fluence in each.
///
/// The fluence is in photons per mm², of a [`Tube`](crate::physics::Tube) for each mAs; from a file it may be relative, and kerma
/// then is too.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    energies_kev: Vec<f64>,
    fluence_per_mm2: Vec<f64>,
}

impl Spectrum {
    /// Spectrum of ascending energies (centres of bins), in keV, and the photons per mm² in each.
    ///
    /// # Errors
    /// [`PhysicsError`] when there are no photons, lists differ in length, energies do not ascend or lie outside 5 to 150 keV, or a
    /// fluence is negative or not finite.
    pub fn new(energies_kev: Vec<f64>, fluence_per_mm2: Vec<f64>) -> Result<Self, PhysicsError> {
        if energies_kev.len() != fluence_per_mm2.len() {
            let (got, want) = (fluence_per_mm2.len(), energies_kev.len());
            return Err(PhysicsError::value(
                "number of fluences",
                format!("that of energies, {want}"),
                got.to_string(),
            ));
        }
        for &energy in &energies_kev {
            check_energy(energy, || "spectrum".to_owned())?;
        }
        if let Some(pair) = energies_kev.windows(2).find(|pair| pair[0] >= pair[1]) {
            let got = format!("{} keV behind {} keV", pair[1], pair[0]);
            return Err(PhysicsError::value("energies of a spectrum", "ascending", got));
        }
        if let Some(wrong) = fluence_per_mm2.iter().find(|fluence| !(**fluence >= 0.0 && fluence.is_finite())) {
            return Err(PhysicsError::value("fluence of a spectrum", "0 or more and finite", wrong.to_string()));
        }
        let total: f64 = fluence_per_mm2.iter().fold(0.0, |sum, fluence| sum + fluence);
        if !(total > 0.0 && total.is_finite()) {
            return Err(PhysicsError::value("sum of a spectrum", "positive and finite", total.to_string()));
        }
        Ok(Self { energies_kev, fluence_per_mm2 })
    }

    /// Spectrum of a text of two columns, energy of a bin's centre in keV and fluence in the bin, separated by a comma. Lines that
    /// begin with `#` and one line of names in front are passed over.
    ///
    /// # Errors
    /// [`PhysicsError`] naming the line, or what [`Spectrum::new`] refuses.
    pub fn from_csv(text: &str) -> Result<Self, PhysicsError> {
        let (mut energies, mut fluence, mut is_first) = (Vec::new(), Vec::new(), true);
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let cells: Vec<Option<f64>> = line.split(',').map(|cell| cell.trim().parse().ok()).collect();
            match cells[..] {
                [Some(energy), Some(photons)] => {
                    energies.push(energy);
                    fluence.push(photons);
                }
                [None, None] if is_first => {}
                _ => {
                    let message = format!("must be energy in keV and fluence, separated by a comma, got \"{line}\"");
                    return Err(PhysicsError::Text { line: index + 1, message });
                }
            }
            is_first = false;
        }
        Self::new(energies, fluence)
    }

    /// Spectrum of a file, as [`Spectrum::from_csv`] has it.
    ///
    /// # Errors
    /// [`PhysicsError`] when it cannot be read or used, with the file's name.
    #[cfg(feature = "io")]
    pub fn read(path: impl AsRef<std::path::Path>) -> Result<Self, PhysicsError> {
        let path = path.as_ref();
        let text = crate::io::read_text(path, "spectrum", MAX_FILE_BYTES)
            .map_err(|reason| PhysicsError::Read { path: path.to_owned(), reason })?;
        Self::from_csv(&text).map_err(|reason| PhysicsError::InFile { path: path.to_owned(), reason: Box::new(reason) })
    }

    /// Centres of the bins, ascending, in keV.
    #[must_use]
    pub fn energies_kev(&self) -> &[f64] {
        &self.energies_kev
    }

    /// Photons per mm² in each bin.
    #[must_use]
    pub fn fluence_per_mm2(&self) -> &[f64] {
        &self.fluence_per_mm2
    }

    /// Photons per mm² of all energies.
    #[must_use]
    pub fn total_per_mm2(&self) -> f64 {
        self.fluence_per_mm2.iter().sum()
    }

    /// Mean energy of the photons, in keV; not a number where layers left none.
    #[must_use]
    pub fn mean_energy_kev(&self) -> f64 {
        let energy: f64 = self.energies_kev.iter().zip(&self.fluence_per_mm2).map(|(e, n)| e * n).sum();
        energy / self.total_per_mm2()
    }

    /// Air kerma without scatter from elsewhere, in mGy: Σ Φ·E·µ_en/ρ.
    ///
    /// # Errors
    /// [`PhysicsError::Energy`]; none for a spectrum that was made.
    pub fn air_kerma_mgy(&self) -> Result<f64, PhysicsError> {
        Ok(self.kerma_by_bin()?.iter().sum())
    }

    fn kerma_by_bin(&self) -> Result<Vec<f64>, PhysicsError> {
        let bins = self.energies_kev.iter().zip(&self.fluence_per_mm2);
        bins.map(|(&energy, photons)| Ok(photons * air_kerma_mgy_mm2(energy)?)).collect()
    }

    /// All fluences times a factor: mAs, the inverse square of the distance.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.fluence_per_mm2.iter_mut().for_each(|fluence| *fluence *= factor);
        self
    }

    /// What passes a layer without an interaction (narrow beam): Φ·exp(−µ·t), t the thickness along the ray in millimetres.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a thickness that is negative or not finite.
    pub fn attenuated(mut self, material: &Material, thickness_mm: f64) -> Result<Self, PhysicsError> {
        check_thickness(material, thickness_mm)?;
        for (&energy, fluence) in self.energies_kev.iter().zip(&mut self.fluence_per_mm2) {
            *fluence *= (-material.attenuation_per_mm(energy)? * thickness_mm).exp();
        }
        Ok(self)
    }

    /// Thickness of a material that leaves a share of the air kerma, between 0 and 1, in millimetres.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a share that is not above 0 and below 1, or where layers left no photons.
    pub fn layer_mm(&self, material: &Material, share: f64) -> Result<f64, PhysicsError> {
        if !(share > 0.0 && share < 1.0) {
            return Err(PhysicsError::value("share of the kerma", "above 0 and below 1", share.to_string()));
        }
        let kerma = self.kerma_by_bin()?;
        let attenuation: Result<Vec<f64>, _> =
            self.energies_kev.iter().map(|&energy| material.attenuation_per_mm(energy)).collect();
        let attenuation = attenuation?;
        let left = |mm: f64| kerma.iter().zip(&attenuation).map(|(k, mu)| k * (-mu * mm).exp()).sum::<f64>();
        let wanted = share * left(0.0);
        if !(wanted > 0.0 && wanted.is_finite()) {
            return Err(PhysicsError::value(
                "air kerma of the spectrum",
                "above 0 and finite",
                format!("{} mGy", left(0.0)),
            ));
        }
        // From nothing to what the hardest bin alone would need; kerma falls with thickness.
        let least = attenuation.iter().copied().fold(f64::INFINITY, f64::min);
        let [mut thin, mut thick] = [0.0, -share.ln() / least];
        for _ in 0..HALVINGS {
            let middle = 0.5 * (thin + thick);
            if left(middle) > wanted { thin = middle } else { thick = middle }
        }
        Ok(0.5 * (thin + thick))
    }

    /// First and second half-value layer, in mm of aluminium of 2.699 g/cm³: what halves the air kerma, and what halves it again.
    ///
    /// # Errors
    /// [`PhysicsError`]; none for a spectrum that was made.
    pub fn half_value_layers_mm_al(&self) -> Result<[f64; 2], PhysicsError> {
        let aluminium = Material::of_element(Element::from_symbol("Al")?);
        let [half, quarter] = [self.layer_mm(&aluminium, 0.5)?, self.layer_mm(&aluminium, 0.25)?];
        Ok([half, quarter - half])
    }
}

/// A thickness that can be.
pub(super) fn check_thickness(material: &Material, thickness_mm: f64) -> Result<(), PhysicsError> {
    match thickness_mm >= 0.0 && thickness_mm.is_finite() {
        true => Ok(()),
        false => {
            let what = format!("thickness of {}", material.name());
            Err(PhysicsError::value(what, "0 or more and finite", format!("{thickness_mm} mm")))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// AAPM Report 195, case 1: beam, aluminium in cm for 1/2 and 1/4, and the air kerma left, the mean of four Monte Carlo codes.
    const CASE_1: [(&str, [f64; 2], [f64; 2]); 4] = [
        ("energy_kev,fluence\n30,1", [0.2273, 0.4546], [0.500_38, 0.250_45]),
        ("100,1", [1.511, 3.022], [0.498_95, 0.248_99]),
        (include_str!("../../assets/physics/tg195/30kvp-mo.csv"), [0.034_31, 0.076_63], [0.499_69, 0.249_91]),
        (include_str!("../../assets/physics/tg195/100kvp-w.csv"), [0.3950, 0.9840], [0.499_72, 0.249_72]),
    ];

    /// Kerma behind aluminium over that without, with so many mm of air in between.
    fn share(beam: &str, aluminium_cm: f64, air_mm: f64) -> f64 {
        let air = Material::by_name("air").unwrap().with_density(0.001_205).unwrap();
        let open = Spectrum::from_csv(beam).unwrap().attenuated(&air, air_mm).unwrap();
        let aluminium = Material::by_name("Al").unwrap();
        let behind = open.clone().attenuated(&aluminium, 10.0 * aluminium_cm).unwrap();
        behind.air_kerma_mgy().unwrap() / open.air_kerma_mgy().unwrap()
    }

    #[test]
    fn kerma_behind_aluminium_is_that_of_tg195_case_1() {
        for (beam, thicknesses, shares) in CASE_1 {
            for (thickness, want) in thicknesses.into_iter().zip(shares) {
                let got = share(beam, thickness, 1000.0);
                assert!((got / want - 1.0).abs() < 0.005, "{thickness} cm: {got}, want {want}");
            }
        }
        // The control: without the metre of air the soft beam is out.
        let (beam, thicknesses, shares) = CASE_1[2];
        assert!((share(beam, thicknesses[0], 0.0) / shares[0] - 1.0).abs() > 0.02);
    }

    #[test]
    fn layers_leave_what_they_should() {
        let beam = Spectrum::from_csv(CASE_1[3].0).unwrap();
        let [first, second] = beam.half_value_layers_mm_al().unwrap();
        let left = |mm| {
            let behind = beam.clone().attenuated(&Material::by_name("Al").unwrap(), mm).unwrap();
            behind.air_kerma_mgy().unwrap() / beam.air_kerma_mgy().unwrap()
        };
        assert!((left(first) - 0.5).abs() < 1e-12 && (left(first + second) - 0.25).abs() < 1e-12 && second > first);
        assert!((beam.clone().scaled(3.0).total_per_mm2() / beam.total_per_mm2() - 3.0).abs() < 1e-12);
        // One energy: both layers are ln 2/µ.
        let one = Spectrum::new(vec![40.0], vec![1.0]).unwrap();
        let want = 2.0_f64.ln() / Material::by_name("Al").unwrap().attenuation_per_mm(40.0).unwrap();
        assert!(one.half_value_layers_mm_al().unwrap().iter().all(|layer| (layer / want - 1.0).abs() < 1e-12));
        assert_eq!(one.mean_energy_kev(), 40.0);
    }

    #[test]
    fn spectra_that_cannot_be_are_refused_in_one_line() {
        let refused = |text: &str| Spectrum::from_csv(text).unwrap_err().to_string();
        assert_eq!(refused("30,1\n20,1"), "energies of a spectrum must be ascending, got 20 keV behind 30 keV");
        assert_eq!(refused("3,1"), "energy in spectrum must be 5 to 150 keV, got 3 keV");
        assert_eq!(refused("30,-1"), "fluence of a spectrum must be 0 or more and finite, got -1");
        assert_eq!(refused("30,0"), "sum of a spectrum must be positive and finite, got 0");
        assert!(refused("").ends_with("got 0") && refused("30,1e308\n31,1e308").ends_with("got inf"));
        assert!(refused("e,n\n30,1\n31;1").starts_with("line 3: must be energy in keV"));
        assert!(Spectrum::new(vec![30.0], vec![]).is_err());
        let one = Spectrum::from_csv("30,1").unwrap();
        let message = one.clone().attenuated(&Material::by_name("Cu").unwrap(), -1.0).unwrap_err().to_string();
        assert_eq!(message, "thickness of Cu must be 0 or more and finite, got -1 mm");
        assert!(one.layer_mm(&Material::by_name("Cu").unwrap(), 1.0).is_err());
        let nothing = one.attenuated(&Material::by_name("W").unwrap(), 1000.0).unwrap();
        let message = nothing.half_value_layers_mm_al().unwrap_err().to_string();
        assert_eq!(message, "air kerma of the spectrum must be above 0 and finite, got 0 mGy");
    }

    proptest! {
        #[test]
        fn texts_are_spectra_or_refused(text in "[0-9eE.,+\\-#a-z \n]{0,60}") {
            if let Ok(spectrum) = Spectrum::from_csv(&text) {
                prop_assert!(spectrum.mean_energy_kev() >= 5.0 - 1e-9 && spectrum.mean_energy_kev() <= 150.0 + 1e-9);
                prop_assert!(spectrum.air_kerma_mgy().unwrap() >= 0.0);
            }
        }

        #[test]
        fn layers_leave_their_share(photons in vec(0.0..1e6_f64, 1..40), share in 0.01..0.99_f64) {
            let energies = (0..photons.len()).map(|i| 10.5 + 3.0 * i as f64).collect();
            let spectrum = Spectrum::new(energies, photons)?;
            let copper = Material::by_name("Cu").unwrap();
            let layer = spectrum.layer_mm(&copper, share).unwrap();
            let kerma = spectrum.air_kerma_mgy().unwrap();
            let left = spectrum.attenuated(&copper, layer).unwrap().air_kerma_mgy().unwrap();
            prop_assert!((left / kerma - share).abs() < 1e-9);
        }
    }
}
