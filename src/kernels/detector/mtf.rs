use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::settings::{allowed, refused};
use crate::physics::PhysicsError;

/// Presampled modulation transfer function of a detector's pixels along rows and columns, the pixel's aperture included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mtf {
    /// 1/(1 + H·f²), f in 1/mm: light that spreads in a scintillator.
    Lorentzian {
        /// H, in mm².
        h_mm2: f64,
    },
    /// sin(πpf)/(πpf) for pixels of the pitch p: the aperture alone, as of amorphous selenium.
    Aperture,
    /// Measured, 1 at the frequency 0 and linear between the frequencies given.
    Table {
        /// Ascending, in 1/mm, up to the Nyquist frequency at least.
        frequencies_per_mm: Vec<f64>,
        /// Modulation at each.
        modulation: Vec<f64>,
    },
}

impl Mtf {
    /// Modulation at a frequency in 1/mm for pixels of a pitch in mm.
    #[must_use]
    pub fn at(&self, frequency_per_mm: f64, pitch_mm: f64) -> f64 {
        match self {
            Self::Lorentzian { h_mm2 } => 1.0 / (1.0 + h_mm2 * frequency_per_mm * frequency_per_mm),
            Self::Aperture => sinc(pitch_mm * frequency_per_mm),
            Self::Table { frequencies_per_mm, modulation } => {
                let (mut f0, mut m0) = (0.0, 1.0);
                for (&f1, &m1) in frequencies_per_mm.iter().zip(modulation) {
                    if frequency_per_mm <= f1 {
                        return if f1 > f0 { m0 + (m1 - m0) * (frequency_per_mm - f0) / (f1 - f0) } else { m1 };
                    }
                    (f0, m0) = (f1, m1);
                }
                m0
            }
        }
    }

    /// Modulation at a frequency in cycles per bin of b×b pixels, whose mean is taken.
    ///
    /// ```text
    /// MTF_b(f) = MTF(f/(b·p))·sin(πf)/(b·sin(πf/b))
    /// ```
    #[must_use]
    pub fn binned(&self, cycles_per_bin: f64, pitch_mm: f64, binning: u32) -> f64 {
        let b = f64::from(binning);
        let bin = if cycles_per_bin == 0.0 {
            1.0
        } else {
            (PI * cycles_per_bin).sin() / (b * (PI * cycles_per_bin / b).sin())
        };
        self.at(cycles_per_bin / (b * pitch_mm), pitch_mm) * bin
    }

    /// Checks the numbers, for pixels of a pitch in mm.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for an H that is negative, or a table that is not one up to the Nyquist frequency.
    pub fn check(&self, pitch_mm: f64) -> Result<(), PhysicsError> {
        match self {
            Self::Aperture => Ok(()),
            Self::Lorentzian { h_mm2 } => allowed(*h_mm2 >= 0.0 && h_mm2.is_finite(), "h_mm2", "0 mm² or more", h_mm2),
            Self::Table { frequencies_per_mm, modulation } => {
                let (counts, nyquist) = ([frequencies_per_mm.len(), modulation.len()], 0.5 / pitch_mm);
                if counts[0] != counts[1] {
                    return Err(refused("number of modulations", "that of the frequencies", counts[1]));
                }
                if !(frequencies_per_mm.is_sorted_by(|a, b| a < b) && frequencies_per_mm.iter().all(|f| *f >= 0.0)) {
                    return Err(refused(
                        "frequencies_per_mm",
                        "0 or more and ascending",
                        format!("{frequencies_per_mm:?}"),
                    ));
                }
                let last = frequencies_per_mm.last().copied().unwrap_or(0.0);
                let reach = format!("the Nyquist frequency, {nyquist:.3}/mm, or more");
                allowed(last >= nyquist * (1.0 - 1e-9), "last of frequencies_per_mm", &reach, &last)?;
                let outside = modulation.iter().find(|m| !(0.0..=1.0).contains(*m));
                outside.map_or(Ok(()), |m| Err(refused("modulation", "0 to 1", m)))
            }
        }
    }
}

/// sin(πx)/(πx).
fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}
