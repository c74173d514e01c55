//! Linear attenuation coefficients at 60 keV, in mm⁻¹.
//!
//! Mass attenuation coefficients are those of Hubbell and Seltzer, *Tables of X-Ray Mass Attenuation Coefficients*
//! (NISTIR 5632, table 4), for the tissue compositions of ICRU Report 44; densities are those of ICRU Report 44
//! unless said otherwise. 60 keV is a usual mean energy of a chest examination at 120 kV.
//!
//! ```text
//! µ = (µ/ρ) · ρ / 10
//! ```
//! where µ/ρ is in cm²/g, ρ in g/cm³ and the 10 turns cm⁻¹ into mm⁻¹.

const fn per_millimetre(mass_attenuation_cm2_g: f64, density_g_cm3: f64) -> f64 {
    mass_attenuation_cm2_g * density_g_cm3 / 10.0
}

/// Mass attenuation of water at 60 keV, in cm²/g.
pub(super) const WATER_MASS_ATTENUATION: f64 = 0.2059;

/// Water, 1.00 g/cm³.
pub const WATER: f64 = per_millimetre(WATER_MASS_ATTENUATION, 1.00);
/// Soft tissue, 1.06 g/cm³: organs, skin, nodules.
pub const SOFT: f64 = per_millimetre(0.2048, 1.06);
/// Skeletal muscle, 1.05 g/cm³.
pub const MUSCLE: f64 = per_millimetre(0.2048, 1.05);
/// Adipose tissue, 0.95 g/cm³.
pub const ADIPOSE: f64 = per_millimetre(0.1974, 0.95);
/// Whole blood, 1.06 g/cm³.
pub const BLOOD: f64 = per_millimetre(0.2057, 1.06);
/// Lung tissue, inflated, 0.26 g/cm³.
pub const LUNG: f64 = per_millimetre(0.2053, 0.26);
/// Cortical bone, 1.92 g/cm³.
pub const CORTICAL_BONE: f64 = per_millimetre(0.3148, 1.92);
/// Spongy bone, 1.18 g/cm³, as one part of cortical bone and two parts of soft tissue by mass.
pub const SPONGY_BONE: f64 = per_millimetre((0.3148 + 2.0 * 0.2048) / 3.0, 1.18);
/// Dry air near sea level, 0.001205 g/cm³.
pub const AIR: f64 = per_millimetre(0.1875, 0.001_205);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tissues_lie_at_their_usual_ct_numbers() {
        let hounsfield = |mu: f64| 1000.0 * (mu / WATER - 1.0);
        let ranges = [(AIR, -1000.0, -998.0), (LUNG, -760.0, -720.0), (ADIPOSE, -120.0, -70.0), (BLOOD, 30.0, 80.0)];
        for (mu, low, high) in ranges.into_iter().chain([
            (MUSCLE, 30.0, 70.0),
            (SOFT, 30.0, 70.0),
            (SPONGY_BONE, 200.0, 500.0),
            (CORTICAL_BONE, 1500.0, 2200.0),
        ]) {
            assert!((low..high).contains(&hounsfield(mu)), "{mu} mm⁻¹ is {} HU", hounsfield(mu));
        }
    }
}
