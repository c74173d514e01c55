use std::sync::LazyLock;

use super::{
    PhysicsError,
    table::{LogSpline, check_energy, numbers, rows},
};

/// Joules in a kiloelectronvolt (exact in the SI since 2019).
pub const JOULES_PER_KEV: f64 = 1.602_176_634e-16;

/// mGy of kerma for one keV transferred in a gram: J per keV, grams in a kilogram, mGy in a Gy.
const MGY_PER_KEV_G: f64 = JOULES_PER_KEV * 1e3 * 1e3;
/// Square millimetres in a square centimetre.
const MM2_PER_CM2: f64 = 100.0;

/// Spline of one of NIST's tables.
fn spline(text: &'static str) -> LogSpline {
    LogSpline::new(rows(text).map(numbers).filter_map(|row| row.try_into().ok()))
}

static AIR: LazyLock<LogSpline> =
    LazyLock::new(|| spline(include_str!("../../assets/physics/energy_absorption_air_nist.csv")));
static WATER: LazyLock<LogSpline> =
    LazyLock::new(|| spline(include_str!("../../assets/physics/energy_absorption_water_nist.csv")));

/// Mass energy-absorption coefficient µ_en/ρ of dry air, in cm²/g.
///
/// NIST's table (Hubbell and Seltzer, NISTIR 5632) through a natural cubic spline of the logarithms: straight lines between its
/// few energies would be up to 3.4 % off.
///
/// # Errors
/// [`PhysicsError::Energy`] outside 5 to 150 keV.
pub fn air_energy_absorption_cm2_g(energy_kev: f64) -> Result<f64, PhysicsError> {
    check_energy(energy_kev, || "air".to_owned())?;
    Ok(AIR.at(energy_kev))
}

/// Mass energy-absorption coefficient µ_en/ρ of water, in cm²/g; as [`air_energy_absorption_cm2_g`].
///
/// # Errors
/// [`PhysicsError::Energy`] outside 5 to 150 keV.
pub fn water_energy_absorption_cm2_g(energy_kev: f64) -> Result<f64, PhysicsError> {
    check_energy(energy_kev, || "water".to_owned())?;
    Ok(WATER.at(energy_kev))
}

/// Air kerma of photons of one energy, in mGy·mm².
///
/// ```text
/// K = Φ·E·µ_en/ρ
/// ```
/// where Φ is the fluence, here one photon per mm². Radiative losses of electrons, by which kerma and this collision kerma differ,
/// are below 0.1 % up to 150 keV in air.
///
/// # Errors
/// [`PhysicsError::Energy`] outside 5 to 150 keV.
pub fn air_kerma_mgy_mm2(energy_kev: f64) -> Result<f64, PhysicsError> {
    Ok(MM2_PER_CM2 * energy_kev * air_energy_absorption_cm2_g(energy_kev)? * MGY_PER_KEV_G)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{Material, klein_nishina};

    /// What photo-electric absorption and Compton scattering of free electrons give to electrons, by Elam's tables: energy
    /// absorption of light elements to about 1 %.
    fn transferred(material: &Material, energy: f64) -> f64 {
        let attenuation = material.attenuation(energy).unwrap();
        let share = 1.0 - klein_nishina::mean_energy_ratio(energy);
        attenuation.photoelectric_cm2_g + share * attenuation.incoherent_cm2_g
    }

    #[test]
    fn energy_absorption_is_that_of_photoelectric_and_compton_electrons_also_between_nists_energies() {
        for (name, coefficient) in [
            ("air", air_energy_absorption_cm2_g as fn(f64) -> Result<f64, PhysicsError>),
            ("water", water_energy_absorption_cm2_g),
        ] {
            let material = Material::by_name(name).unwrap();
            for energy in (10..=300).map(|e| 0.5 * f64::from(e)) {
                let ratio = transferred(&material, energy) / coefficient(energy).unwrap();
                assert!((ratio - 1.0).abs() < 0.017, "{name}, {energy} keV: {ratio}");
            }
        }
    }

    #[test]
    fn kerma_per_fluence_is_that_of_dosimetry() {
        // ICRU Report 57, table A.1: 60 keV in air, 0.289 pGy·cm², which is 2.89e-8 mGy·mm²; 100 keV, 0.371 pGy·cm².
        for (energy, want) in [(60.0, 2.89e-8), (100.0, 3.71e-8)] {
            let got = air_kerma_mgy_mm2(energy).unwrap();
            assert!((got / want - 1.0).abs() < 0.015, "{energy} keV: {got}");
        }
        assert!(air_kerma_mgy_mm2(4.0).is_err());
    }
}
