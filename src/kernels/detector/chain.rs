use super::{
    Blur, DetectorSettings, Images, bin, blur, calibrate, correct, pattern,
    readout::{self, Readout},
    settings::refused,
};
use crate::{
    engine::{Buffer, Extent, Graph},
    kernels::{
        noise::{
            Stream, compound,
            quanta::{self, Quanta},
        },
        pointwise::{fill, line_integral},
    },
    physics::PhysicsError,
};

/// Streams of a detector's seed.
const VIEWS: u32 = 0;
const FLATS: u32 = 1;
const DARKS: u32 = 2;
const PATTERN: u32 = 3;
/// Signal of the open beam below which a pixel tells nothing.
const LEAST_OPEN: f64 = 1e-3;

/// The open beam, in the images' pixels.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// Columns and rows of the images.
    pub size: [u32; 2],
    /// Quanta of a pixel of the detector before it is binned, [`DetectorSettings::open_quanta`], where means and variances are 1.
    pub quanta: f64,
    /// Mean signal and its variance over the field, one slice each, where they are not 1 everywhere.
    pub field: Option<[Buffer<f32>; 2]>,
}

/// A detector in a graph: its pattern and what corrects its images are recorded once, views as often as one likes.
///
/// All that is random in a view depends on the settings' seed, the view's number and the pixel, and not on how views are batched.
#[derive(Clone, Debug)]
pub struct Chain {
    settings: DetectorSettings,
    blur: Option<Blur>,
    open: Open,
    /// Gains of the pixels, where images are read out.
    gains: Option<Buffer<f32>>,
    /// Dark image and factors of the pixels, where there is anything to correct.
    correction: Option<[Buffer<f32>; 2]>,
}

/// What a detector makes of views.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// Raw counts; signals over the open beam's where nothing is read out.
    pub raw: Buffer<f32>,
    /// Corrected line integrals.
    pub integrals: Buffer<f32>,
}

/// How many frames an image is the mean of.
#[derive(Clone, Copy, PartialEq)]
enum Frames {
    /// One, as it is read out.
    View,
    /// Many, of which none is kept; 0: infinitely many.
    Mean(u32),
}

impl Chain {
    /// Records the pattern, and dark and flat images, of a detector that sees the beam `open` without an object.
    ///
    /// # Errors
    /// [`PhysicsError`] for settings that cannot be, quanta that are not positive, or images that no bins fill.
    pub fn new(graph: &mut Graph<'_>, settings: &DetectorSettings, open: &Open) -> Result<Self, PhysicsError> {
        settings.check()?;
        if !(open.quanta > 0.0 && open.quanta < 1e30) {
            return Err(refused("quanta of the open beam", "positive and below 10³⁰", open.quanta));
        }
        let DetectorSettings { pitch_mm, binning, images, .. } = *settings;
        if images == Images::Native && open.size.iter().any(|n| !n.is_multiple_of(binning) || *n == 0) {
            return Err(refused(
                "columns and rows",
                format!("multiples of the binning, {binning}"),
                format!("{:?}", open.size),
            ));
        }
        let binned = if images == Images::Binned { binning } else { 1 };
        let blur = match settings.blur.enabled {
            true => Some(Blur::of(&settings.blur.mtf, pitch_mm, binned)?),
            false => None,
        };
        let mut chain = Self { settings: settings.clone(), blur, open: *open, gains: None, correction: None };
        chain.gains = chain.pattern(graph);
        chain.correction = chain.calibration(graph);
        Ok(chain)
    }

    /// Records views from their mean signals, and variances (none: equal to the means, as those of photons that are counted), both over the
    /// open beam's. The first has the number `first_view`.
    pub fn record(
        &self,
        graph: &mut Graph<'_>,
        means: Buffer<f32>,
        variances: Option<Buffer<f32>>,
        first_view: u32,
    ) -> Recorded {
        let stream = self.stream(VIEWS).at([0, 0, first_view]);
        let signals = self.signals(graph, means, variances, Frames::View, &stream);
        let raw = self.counts(graph, signals, Frames::View, &stream);
        let floor = self.settings.floor as f32;
        let integrals = match self.correction {
            Some(correction) => correct::record(graph, correction, raw, floor),
            None => line_integral::record(graph, floor, raw),
        };
        Recorded { raw, integrals }
    }

    /// Columns and rows that are read out.
    #[must_use]
    pub fn size(&self) -> [u32; 2] {
        match self.settings.images {
            Images::Native => self.open.size.map(|n| n / self.settings.binning),
            Images::Binned => self.open.size,
        }
    }

    /// Gains of the pixels, if there is a pattern or a read-out.
    fn pattern(&self, graph: &mut Graph<'_>) -> Option<Buffer<f32>> {
        let DetectorSettings { pattern, readout, electronics, .. } = &self.settings;
        match (pattern.enabled, readout.enabled || electronics.enabled) {
            (true, _) => {
                let (sigma, bad) = (pattern.gain_sigma as f32, pattern.bad_pixel_fraction);
                Some(pattern::record(graph, self.size(), sigma, bad, &self.stream(PATTERN)))
            }
            (false, true) => Some(self.filled(graph, 1.0)),
            (false, false) => None,
        }
    }

    /// Dark image and factors of the pixels.
    fn calibration(&self, graph: &mut Graph<'_>) -> Option<[Buffer<f32>; 2]> {
        let DetectorSettings { correction, quanta, .. } = &self.settings;
        if !correction.enabled {
            self.gains?;
            let [gain, offset] = self.scale();
            return Some([self.filled(graph, offset as f32), self.filled(graph, (1.0 / gain) as f32)]);
        }
        if self.gains.is_none() && !quanta.enabled && self.open.field.is_none() {
            return None;
        }
        let no_signal = self.filled(graph, 0.0);
        let dark = self.counts(graph, no_signal, Frames::Mean(correction.dark_frames), &self.stream(DARKS));
        let [mean, variance] = match self.open.field {
            Some([mean, variance]) => [mean, variance],
            None => {
                let [columns, rows] = self.open.size;
                let ones = fill::record(graph, Extent { slices: 1, rows, columns }, 1.0);
                [ones, ones]
            }
        };
        let (frames, stream) = (Frames::Mean(correction.flat_frames), self.stream(FLATS));
        let lit = self.signals(graph, mean, Some(variance), frames, &stream);
        let flat = self.counts(graph, lit, frames, &stream);
        let gains = self.gains.unwrap_or_else(|| self.filled(graph, 1.0));
        let least = (LEAST_OPEN * self.scale()[0]) as f32;
        Some([dark, calibrate::record(graph, gains, [dark, flat], least)])
    }

    /// Signals with the noise of their quanta, blurred and binned.
    fn signals(
        &self,
        graph: &mut Graph<'_>,
        means: Buffer<f32>,
        variances: Option<Buffer<f32>>,
        frames: Frames,
        stream: &Stream,
    ) -> Buffer<f32> {
        let DetectorSettings { binning, images, quanta, .. } = &self.settings;
        let pixels = if *images == Images::Binned { binning * binning } else { 1 };
        // A sum of Poisson numbers is one.
        let expected = self.open.quanta * f64::from(pixels) * frames.count();
        let mut signals = means;
        if quanta.enabled && expected.is_finite() {
            signals = match variances {
                Some(variances) => compound::record(graph, means, variances, expected as f32, stream),
                None => {
                    let quanta = Quanta { photons: Some(expected as f32), electronic_sigma: 0.0 };
                    quanta::record(graph, means, &quanta, stream)
                }
            };
        }
        if let Some(blur) = &self.blur {
            signals = blur::record(graph, signals, blur);
        }
        if *images == Images::Native && *binning > 1 {
            signals = bin::record(graph, signals, *binning);
        }
        signals
    }

    /// Counts of signals, if they are read out.
    fn counts(&self, graph: &mut Graph<'_>, signals: Buffer<f32>, frames: Frames, stream: &Stream) -> Buffer<f32> {
        let Some(gains) = self.gains else { return signals };
        let DetectorSettings { binning, electronics, readout, .. } = &self.settings;
        let [gain, offset] = self.scale();
        let mut variance = match electronics.enabled {
            // In units of the signal, by the nominal gain, whether there is a read-out or not.
            true => (electronics.noise_counts / readout.gain_counts / f64::from(*binning)).powi(2),
            false => 0.0,
        };
        if frames != Frames::View && readout.enabled {
            // Means of frames are not rounded; that of each frame adds as much, in counts².
            variance += 1.0 / 12.0 / (gain * gain);
        }
        let counted = Readout {
            sigma: (variance / frames.count()).sqrt() as f32,
            gain: gain as f32,
            offset: offset as f32,
            full: if readout.enabled {
                self.settings.full_counts() as f32
            } else {
                (self.settings.full_counts() / readout.gain_counts) as f32
            },
            is_limited: readout.enabled,
            is_whole: readout.enabled && frames == Frames::View,
        };
        readout::record(graph, gains, signals, &counted, stream)
    }

    /// Counts for the open beam and for nothing: 1 and 0 where nothing is read out.
    fn scale(&self) -> [f64; 2] {
        let readout = &self.settings.readout;
        if readout.enabled { [readout.gain_counts, readout.offset_counts] } else { [1.0, 0.0] }
    }

    fn filled(&self, graph: &mut Graph<'_>, value: f32) -> Buffer<f32> {
        let [columns, rows] = self.size();
        fill::record(graph, Extent { slices: 1, rows, columns }, value)
    }

    fn stream(&self, number: u32) -> Stream {
        Stream::new(self.settings.seed, number)
    }
}

impl Frames {
    fn count(self) -> f64 {
        match self {
            Self::View => 1.0,
            Self::Mean(0) => f64::INFINITY,
            Self::Mean(count) => count.into(),
        }
    }
}
