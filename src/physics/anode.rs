//! What leaves a tungsten anode, read between the nodes of a table that spekpy computed.

use std::sync::LazyLock;

use super::{
    Element,
    table::{ENERGY_RANGE_KEV, lerp, numbers, place, rows},
};

/// Lowest and highest tube voltage of the table, in kV.
pub(super) const KVP_RANGE: [f64; 2] = [40.0, 150.0];
/// Smallest and largest angle between a ray and the anode's surface in the table, in degrees.
pub(super) const TAKE_OFF_RANGE_DEG: [f64; 2] = [0.5, 34.0];

/// K edge of tungsten, in keV, and the exponent with which its lines grow above it; the table's lines are over that growth.
const K_EDGE_KEV: f64 = 69.525;
const K_GROWTH: f64 = 1.63;
/// Mean depth of emission of electrons of 120 keV in tungsten, in g/cm²; it grows with the square of their energy.
const DEPTH_120_G_CM2: f64 = 0.0044;
/// Lower ends of the bins of 1 keV in which lines lie, of the L series and from `K_SERIES` on of the K series.
const LINE_BINS_KEV: [usize; 11] = [7, 8, 9, 10, 11, 12, 57, 59, 66, 67, 69];
const K_SERIES: usize = 6;
/// Places in each bin at which the continuum is read.
const SAMPLES: u32 = 4;

/// The packed tables: for each tube voltage and take-off angle the reduced continuum and the lines.
struct Table {
    kvp: Vec<f64>,
    ln_sine: Vec<f64>,
    /// By voltage, then by angle.
    continuum: Vec<Vec<f64>>,
    lines: Vec<Vec<f64>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let [continuum, lines] = [
        include_str!("../../assets/physics/tungsten_bremsstrahlung.csv"),
        include_str!("../../assets/physics/tungsten_lines.csv"),
    ]
    .map(|text| rows(text).map(numbers).collect::<Vec<_>>());
    let mut kvp: Vec<f64> = continuum.iter().map(|row| row[0]).collect();
    kvp.dedup();
    let ln_sine = continuum.iter().take_while(|row| row[0] == kvp[0]).map(|row| row[1].to_radians().sin().ln());
    let ln_sine = ln_sine.collect();
    let [continuum, lines] = [continuum, lines].map(|table| table.into_iter().map(|row| row[2..].to_vec()).collect());
    Table { kvp, ln_sine, continuum, lines }
});

/// Emission at one tube voltage and one take-off angle.
pub(super) struct Emission {
    kvp: f64,
    /// Of the angle between the ray and the anode's surface.
    sine: f64,
    continuum: Vec<f64>,
    lines: Vec<f64>,
}

impl Emission {
    /// Emission within the ranges of the table: linear in the voltage and in ln sin of the take-off angle.
    pub(super) fn new(kvp: f64, take_off_rad: f64) -> Self {
        let (table, sine) = (&*TABLE, take_off_rad.sin());
        let ((voltage, up), (angle, along)) = (place(&table.kvp, kvp), place(&table.ln_sine, sine.ln()));
        let blended = |values: &[Vec<f64>]| -> Vec<f64> {
            let [near, far] = [voltage, voltage + 1].map(|voltage| {
                let first = voltage * table.ln_sine.len() + angle;
                (&values[first], &values[first + 1])
            });
            let at = |(from, to): (&Vec<f64>, &Vec<f64>), i: usize| lerp(from[i], to[i], along);
            (0..near.0.len()).map(|i| lerp(at(near, i), at(far, i), up)).collect()
        };
        let (continuum, mut lines) = (blended(&table.continuum), blended(&table.lines));
        let growth = (kvp / K_EDGE_KEV - 1.0).max(0.0).powf(K_GROWTH);
        lines[K_SERIES..].iter_mut().for_each(|line| *line *= growth);
        Self { kvp, sine, continuum, lines }
    }

    /// Bins of 1 keV between whole energies, from 5 keV to the tube voltage, where the last may be narrower: their centres in keV,
    /// and photons per mm² and mAs at 1 m in each.
    pub(super) fn bins(&self) -> (Vec<f64>, Vec<f64>) {
        let first = ENERGY_RANGE_KEV[0] as usize;
        (first..self.kvp.ceil() as usize)
            .map(|low| {
                let (from, to) = (low as f64, self.kvp.min((low + 1) as f64));
                let step = (to - from) / f64::from(SAMPLES);
                let at = |sample: u32| self.continuum_per_kev(from + (f64::from(sample) + 0.5) * step);
                let continuum = step * (0..SAMPLES).map(at).sum::<f64>();
                let line = LINE_BINS_KEV.iter().position(|&bin| bin == low).map_or(0.0, |line| self.lines[line]);
                (0.5 * (from + to), continuum + line)
            })
            .unzip()
    }

    /// Bremsstrahlung, in photons per mm², mAs and keV at 1 m.
    ///
    /// ```text
    /// Y(w)·A·kVp/E,   A = 1/(1 + (µ/ρ)·d/sin φ)
    /// ```
    /// where w = (E − 5 keV)/(kVp − 5 keV), and A is the share that leaves tungsten from depths distributed exponentially about d: it
    /// takes the absorption edges out of the table Y, which is smooth.
    fn continuum_per_kev(&self, energy_kev: f64) -> f64 {
        let low = ENERGY_RANGE_KEV[0];
        let last = self.continuum.len() - 1;
        let node = (energy_kev - low) / (self.kvp - low) * last as f64;
        let i = (node as usize).min(last - 1);
        let smooth = lerp(self.continuum[i], self.continuum[i + 1], node - i as f64);
        let depth = DEPTH_120_G_CM2 * (self.kvp / 120.0).powi(2) / self.sine;
        let attenuation = Element::TUNGSTEN.attenuation(energy_kev).map_or(0.0, |of| of.total_cm2_g());
        smooth / (1.0 + attenuation * depth) * self.kvp / energy_kev
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_node() {
        let table = &*TABLE;
        assert_eq!((table.kvp.len(), table.ln_sine.len()), (12, 13));
        assert_eq!([table.kvp[0], table.kvp[11]], KVP_RANGE);
        let angles = [table.ln_sine[0], table.ln_sine[12]].map(|s| s.exp().asin().to_degrees());
        assert!(angles.iter().zip(TAKE_OFF_RANGE_DEG).all(|(got, want)| (got - want).abs() < 1e-12), "{angles:?}");
        for (values, length) in [(&table.continuum, 49), (&table.lines, LINE_BINS_KEV.len())] {
            assert_eq!(values.len(), 12 * 13);
            assert!(values.iter().all(|row| row.len() == length && row.iter().all(|v| v.is_finite() && *v >= 0.0)));
        }
    }

    #[test]
    fn bins_end_at_the_tube_voltage_and_hold_the_lines() {
        let (energies, photons) = Emission::new(100.0, 0.2).bins();
        assert_eq!((energies[0], energies[94], energies.len()), (5.5, 99.5, 95));
        assert!(photons[94] > 0.0 && photons[94] < 0.2 * photons[84]);
        // Kα1 stands out at 59.5 keV, and above the K edge the anode lets less through.
        assert!(photons[54] > 2.0 * photons[56] && photons[66] < photons[58]);
        let (energies, photons) = Emission::new(69.3, 0.2).bins();
        assert!((energies[64] - 69.15).abs() < 1e-12 && energies.len() == 65);
        assert!((photons[54] / photons[53] - 1.0).abs() < 0.1, "no K line below the edge");
    }
}
