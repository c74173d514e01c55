use serde::{Deserialize, Serialize};

use super::Mtf;
use crate::physics::{Converter, Detector, Moments, PhysicsError, Spectrum, Weighting};

/// What a flat detector is like, and which of its effects are there; every field has a default.
///
/// A count is one of the raw image. Signals are over that of the open beam, which gives `readout.gain_counts` counts above the offset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorSettings {
    /// Pitch of the pixels, in mm, before they are binned.
    pub pitch_mm: f64,
    /// Pixels along a bin whose mean is read out, 1 to 8.
    pub binning: u32,
    /// Whether the images that are given have pixels or bins.
    pub images: Images,
    /// Layer that absorbs the photons.
    pub converter: ConverterSettings,
    /// Noise of the quanta.
    pub quanta: QuantaSettings,
    /// Blur.
    pub blur: BlurSettings,
    /// Noise of the electronics.
    pub electronics: ElectronicsSettings,
    /// Gains of the pixels, and bad ones.
    pub pattern: PatternSettings,
    /// Digitisation.
    pub readout: ReadoutSettings,
    /// Correction as a site does it.
    pub correction: CorrectionSettings,
    /// Least transmission of which a logarithm is taken.
    pub floor: f64,
    /// Seed of all noise and of the pattern.
    pub seed: u64,
}

/// What the pixels of the images are that a detector is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Images {
    /// Bins, of `binning` times the pitch; the blur is that of pixels and bins together.
    #[default]
    Binned,
    /// Pixels; they are binned after the blur.
    Native,
}

/// The layer that absorbs the photons.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConverterSettings {
    /// What the layer consists of.
    pub material: Converter,
    /// Its thickness, in mm.
    pub thickness_mm: f64,
    /// Share of it that the material fills.
    pub packing: f64,
    /// Swank factor of light or charge for a keV.
    pub optical_swank: f64,
    /// Whether photons are counted, or their energy summed.
    pub weighting: Weighting,
}

/// Noise of the quanta.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuantaSettings {
    /// Whether it is there.
    pub enabled: bool,
}

/// Blur.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlurSettings {
    /// Whether it is there.
    pub enabled: bool,
    /// Modulation transfer function of the pixels.
    pub mtf: Mtf,
}

/// Noise of the electronics.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElectronicsSettings {
    /// Whether it is there.
    pub enabled: bool,
    /// Standard deviation of a pixel, in counts; that of the mean of b×b pixels is a bth of it.
    pub noise_counts: f64,
}

/// Gains of the pixels, and bad ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PatternSettings {
    /// Whether it is there.
    pub enabled: bool,
    /// Standard deviation of the gains, which are 1 in the mean.
    pub gain_sigma: f64,
    /// Share of bad pixels, half of them dead and half of them stuck.
    pub bad_pixel_fraction: f64,
}

/// Digitisation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadoutSettings {
    /// Whether counts are whole numbers from 0 to the full scale.
    pub enabled: bool,
    /// Bits of a count, 1 to 16.
    pub bits: u8,
    /// Counts that the open beam gives above the offset.
    pub gain_counts: f64,
    /// Counts without any signal.
    pub offset_counts: f64,
    /// Count at which a pixel saturates, if that is below the largest of its bits.
    pub saturation_counts: Option<f64>,
}

/// Correction as a site does it: by a dark and a flat image, each the mean of frames of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorrectionSettings {
    /// Whether it is done; else line integrals are those of the nominal offset and gain.
    pub enabled: bool,
    /// Frames without radiation; 0: without noise.
    pub dark_frames: u32,
    /// Frames of the open beam; 0: without noise.
    pub flat_frames: u32,
}

impl Default for DetectorSettings {
    fn default() -> Self {
        Self {
            pitch_mm: 0.148,
            binning: 1,
            images: Images::default(),
            converter: ConverterSettings::default(),
            quanta: QuantaSettings::default(),
            blur: BlurSettings::default(),
            electronics: ElectronicsSettings::default(),
            pattern: PatternSettings::default(),
            readout: ReadoutSettings::default(),
            correction: CorrectionSettings::default(),
            floor: 1e-5,
            seed: 0,
        }
    }
}

impl Default for ConverterSettings {
    fn default() -> Self {
        Self {
            material: Converter::CaesiumIodide,
            thickness_mm: 0.6,
            packing: 0.8,
            optical_swank: 0.95,
            weighting: Weighting::Energy,
        }
    }
}

impl Default for QuantaSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for BlurSettings {
    fn default() -> Self {
        // 0.63 at 1/mm, as panels with 0.5 to 0.6 mm of caesium iodide have it.
        Self { enabled: true, mtf: Mtf::Lorentzian { h_mm2: 0.6 } }
    }
}

impl Default for ElectronicsSettings {
    fn default() -> Self {
        Self { enabled: true, noise_counts: 5.0 }
    }
}

impl Default for PatternSettings {
    fn default() -> Self {
        Self { enabled: true, gain_sigma: 0.02, bad_pixel_fraction: 1e-4 }
    }
}

impl Default for ReadoutSettings {
    fn default() -> Self {
        Self { enabled: true, bits: 16, gain_counts: 40_000.0, offset_counts: 200.0, saturation_counts: None }
    }
}

impl Default for CorrectionSettings {
    fn default() -> Self {
        Self { enabled: true, dark_frames: 64, flat_frames: 64 }
    }
}

/// Most pixels along a bin.
const MOST_BINNED: u32 = 8;
/// Most bits of a count.
const MOST_BITS: u8 = 16;
/// Largest share of bad pixels: of eleven by eleven, one is good.
const MOST_BAD: f64 = 0.1;

impl DetectorSettings {
    /// Settings of a text in TOML, checked; what is not named has its default.
    ///
    /// # Errors
    /// [`PhysicsError`] naming the line, or the field and the number.
    pub fn from_toml(text: &str) -> Result<Self, PhysicsError> {
        let settings: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            PhysicsError::Text { line, message: error.message().to_owned() }
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// The same detector without any effect: line integrals are −ln of the means.
    #[must_use]
    pub fn ideal(&self) -> Self {
        let mut settings = self.clone();
        settings.quanta.enabled = false;
        settings.blur.enabled = false;
        settings.electronics.enabled = false;
        settings.pattern.enabled = false;
        settings.readout.enabled = false;
        settings
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for the first that is not what it must be.
    pub fn check(&self) -> Result<(), PhysicsError> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let unsigned = |value: f64| value >= 0.0 && value.is_finite();
        allowed(positive(self.pitch_mm), "pitch_mm", "positive and finite", &self.pitch_mm)?;
        allowed((1..=MOST_BINNED).contains(&self.binning), "binning", "1 to 8", &self.binning)?;
        self.layer()?;
        self.blur.mtf.check(self.pitch_mm)?;
        let (electronics, pattern, readout) = (&self.electronics, &self.pattern, &self.readout);
        allowed(unsigned(electronics.noise_counts), "noise_counts", "0 or more and finite", &electronics.noise_counts)?;
        allowed((0.0..=0.5).contains(&pattern.gain_sigma), "gain_sigma", "0 to 0.5", &pattern.gain_sigma)?;
        let bad = pattern.bad_pixel_fraction;
        allowed((0.0..=MOST_BAD).contains(&bad), "bad_pixel_fraction", "0 to 0.1", &bad)?;
        allowed((1..=MOST_BITS).contains(&readout.bits), "bits", "1 to 16", &readout.bits)?;
        let gain = readout.gain_counts;
        allowed((1e-3..=1e9).contains(&gain), "gain_counts", "0.001 to 10⁹", &gain)?;
        let (full, offset) = (self.full_counts(), readout.offset_counts);
        allowed(positive(full), "saturation_counts", "positive", &full)?;
        allowed((0.0..full).contains(&offset), "offset_counts", "0 or more and below saturation", &offset)?;
        allowed((1e-30..1.0).contains(&self.floor), "floor", "10⁻³⁰ to 1", &self.floor)
    }

    /// The layer that absorbs the photons.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for numbers that are none of a layer.
    pub fn layer(&self) -> Result<Detector, PhysicsError> {
        let ConverterSettings { material, thickness_mm, packing, optical_swank, .. } = self.converter;
        Detector::new(material, thickness_mm, packing)?.with_optical_swank(optical_swank)
    }

    /// What a photon of each bin of a spectrum adds to the mean of the signal, and to its variance: the responses of the two quadratures whose
    /// signals a [`super::Chain`] takes. `cosine` is that of the ray's angle to the detector's normal.
    ///
    /// # Errors
    /// [`PhysicsError`] for an energy outside 5 to 150 keV, or a cosine not above 0 and up to 1.
    pub fn responses(&self, spectrum: &Spectrum, cosine: f64) -> Result<[Vec<f64>; 2], PhysicsError> {
        let layer = self.layer()?;
        let moments =
            spectrum.energies_kev().iter().map(|&energy| layer.moments(energy, cosine, self.converter.weighting));
        let moments: Vec<Moments> = moments.collect::<Result<_, _>>()?;
        Ok([moments.iter().map(|of| of.signal).collect(), moments.iter().map(|of| of.signal_squared).collect()])
    }

    /// Quanta of a pixel of the open beam of a spectrum (before it is binned): (its mean signal)²/(variance).
    ///
    /// # Errors
    /// As [`DetectorSettings::responses`].
    pub fn open_quanta(&self, spectrum: &Spectrum, cosine: f64) -> Result<f64, PhysicsError> {
        let Moments { signal, signal_squared, .. } =
            self.layer()?.spectrum_moments(spectrum, cosine, self.converter.weighting)?;
        Ok(signal * signal / signal_squared * self.pitch_mm * self.pitch_mm)
    }

    /// Count at which a pixel saturates.
    #[must_use]
    pub fn full_counts(&self) -> f64 {
        let largest = f64::from((1_u32 << self.readout.bits.min(MOST_BITS)) - 1);
        self.readout.saturation_counts.map_or(largest, |counts| counts.min(largest))
    }
}

/// A number that is not what it must be.
pub(super) fn refused(what: &str, allowed: impl Into<String>, got: impl ToString) -> PhysicsError {
    PhysicsError::Value { what: what.to_owned(), allowed: allowed.into(), got: got.to_string() }
}

pub(super) fn allowed(is_so: bool, what: &str, range: &str, got: &impl ToString) -> Result<(), PhysicsError> {
    if is_so { Ok(()) } else { Err(refused(what, range, got.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_only_what_it_changes_and_survives() {
        let text = "pitch_mm = 0.085\nbinning = 2\nimages = 'native'\n[converter]\nmaterial = 'selenium'\nthickness_mm = 0.2\npacking = 1.0
            [blur]\nmtf = { form = 'aperture' }\n[readout]\nbits = 14\ngain_counts = 1.2e4\nsaturation_counts = 15000.0\n[quanta]\nenabled = false";
        let settings = DetectorSettings::from_toml(text).unwrap();
        assert_eq!((settings.binning, settings.images, settings.full_counts()), (2, Images::Native, 15_000.0));
        assert_eq!((settings.blur.enabled, &settings.blur.mtf), (true, &Mtf::Aperture));
        assert_eq!((settings.quanta.enabled, settings.correction), (false, CorrectionSettings::default()));
        assert_eq!(DetectorSettings::from_toml(&toml::to_string(&settings).unwrap()).unwrap(), settings);
        assert_eq!(DetectorSettings::from_toml("").unwrap(), DetectorSettings::default());
    }

    #[test]
    fn what_cannot_be_is_refused_in_one_line() {
        for (text, message) in [
            ("pitch_mm = 0.0", "pitch_mm must be positive and finite, got 0"),
            ("binning = 9", "binning must be 1 to 8, got 9"),
            ("readout.bits = 17", "bits must be 1 to 16, got 17"),
            ("readout.offset_counts = 70000.0", "offset_counts must be 0 or more and below saturation, got 70000"),
            ("pattern.bad_pixel_fraction = 0.5", "bad_pixel_fraction must be 0 to 0.1, got 0.5"),
            ("electronics.noise_counts = -1.0", "noise_counts must be 0 or more and finite, got -1"),
            ("floor = 0.0", "floor must be 10⁻³⁰ to 1, got 0"),
            ("blur.mtf = { form = 'lorentzian', h_mm2 = -2.0 }", "h_mm2 must be 0 mm² or more, got -2"),
        ] {
            assert_eq!(DetectorSettings::from_toml(text).unwrap_err().to_string(), message);
        }
        let unknown = DetectorSettings::from_toml("seed = 1\nnoise = 3").unwrap_err().to_string();
        assert!(unknown.starts_with("line 2: unknown field `noise`"), "{unknown}");
    }

    #[test]
    fn quanta_of_the_open_beam_are_those_that_count() {
        let mut settings = DetectorSettings { pitch_mm: 0.2, ..DetectorSettings::default() };
        let spectrum = Spectrum::new(vec![60.0], vec![1e5]).unwrap();
        let moments = settings.layer().unwrap().spectrum_moments(&spectrum, 1.0, Weighting::Energy).unwrap();
        let quanta = settings.open_quanta(&spectrum, 1.0).unwrap();
        assert!((quanta / (1e5 * 0.04 * moments.dqe()) - 1.0).abs() < 1e-12);
        // Counted, they are all that interact.
        settings.converter.weighting = Weighting::Counts;
        let counted = settings.open_quanta(&spectrum, 1.0).unwrap();
        assert!((counted / (1e5 * 0.04 * moments.absorption()) - 1.0).abs() < 1e-12);
    }
}
