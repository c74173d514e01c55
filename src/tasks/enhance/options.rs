use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{Stage, TaskError, named};
use crate::{
    geometry::array,
    kernels::{
        clahe::{Clahe, ClipLimit, Convention},
        threshold::triangle::Convention as Threshold,
    },
};

/// How an image is enhanced; every step can be absent.
///
/// As TOML this is a preset, which has a `description` besides: see [`super::Preset`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnhanceOptions {
    /// Whether values grow with the attenuation or with the exposure.
    pub polarity: Polarity,
    /// Whether values are proportional to the exposure or to its logarithm.
    pub response: Response,
    /// Grey levels to reckon with.
    pub depth: Depth,
    /// Bits of the result, 1 to 16: its grey levels are spread over as many. Without, it is stored as the image is.
    pub bits: Option<u8>,
    /// How the foreground is found.
    pub mask: Option<MaskOptions>,
    /// Local histogram equalisation.
    pub clahe: Option<ClaheOptions>,
    /// Gains of the spatial frequencies.
    pub laplacian: Option<LaplacianOptions>,
    /// Grey curve at the end.
    pub tone: Option<ToneOptions>,
}

/// Whether values grow with the attenuation or with the exposure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// As the file says (PixelIntensityRelationshipSign); where it does not, with the exposure if the values are
    /// proportional to it, and else with the attenuation, unless the smallest value is to be shown brightest
    /// (MONOCHROME1, WhiteIsZero).
    #[default]
    Auto,
    /// With the attenuation: dense matter is bright.
    AsIs,
    /// With the exposure: dense matter is dark, and is made bright.
    Inverted,
}

/// Whether values are proportional to the exposure or to its logarithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// As the file says; where it says nothing, to the logarithm.
    #[default]
    Auto,
    /// To the logarithm, as with film, storage phosphors and images for presentation.
    Log,
    /// To the exposure, as with raw detector data: the logarithm is taken.
    Linear,
}

/// Grey levels to reckon with. Float images are spread over 16 bits either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// As many bits as the largest value needs.
    #[default]
    Used,
    /// As many bits as the image has.
    Stored,
}

/// How the foreground is found: what lies above a threshold after Zack, tidied up.
///
/// The tidying works on cells of several pixels, at most 512 along the longer side of the image, so that its radii do
/// not depend on the resolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaskOptions {
    /// Whose triangle method.
    #[serde(with = "named")]
    pub threshold: Threshold,
    /// Share of the range between the smallest and the largest value above which a threshold is taken for one within
    /// the object, so that all above grey level 0 is foreground; 1 for no such limit.
    pub highest: f64,
    /// Radius in cells of the opening that takes away specks and thin structures; 0 for none.
    pub open: u32,
    /// Radius in cells of the closing that bridges gaps; 0 for none.
    pub close: u32,
    /// Radius in cells by which the foreground grows at the end, so that edges of the object belong to it.
    pub grow: u32,
    /// Keep the largest connected part alone.
    pub largest: bool,
    /// Fill the holes.
    pub fill: bool,
    /// Which straight edges are taken for the collimator's; what lies beyond them is left out of the histogram and the
    /// foreground, and is black.
    pub collimation: Collimation,
}

/// Which straight edges are taken for those of a collimator's blades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collimation {
    /// None.
    #[default]
    Off,
    /// Those beyond which the image is denser, and dense up to its edge.
    Dense,
    /// All, also of blades that were made black already.
    Any,
}

impl Default for MaskOptions {
    fn default() -> Self {
        Self {
            threshold: Threshold::OpenCv,
            highest: 1.0,
            open: 0,
            close: 0,
            grow: 0,
            largest: false,
            fill: false,
            collimation: Collimation::Off,
        }
    }
}

/// Local histogram equalisation with a limit on the contrast (CLAHE).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaheOptions {
    /// Tiles across and down.
    #[serde(deserialize_with = "array::exact")]
    pub tiles: [u32; 2],
    /// Limit on the contrast: multiple of the height of a flat histogram, or with scikit-image's convention the share
    /// of a tile that one grey level may have.
    pub clip: f64,
    /// Whose arithmetic.
    #[serde(default, with = "named")]
    pub convention: Convention,
}

impl ClaheOptions {
    /// Parameters of the kernel.
    pub(super) fn parameters(&self) -> Clahe {
        let clip = match self.convention {
            Convention::ScikitImage => ClipLimit::Share(self.clip),
            Convention::OpenCv | Convention::Kerma => ClipLimit::Uniform(self.clip),
        };
        Clahe { tiles: self.tiles, clip, convention: self.convention }
    }
}

/// Gains of the bands of a Laplacian pyramid, finest first.
///
/// ```text
/// y = x·(1 + (G(|x|) − 1)·N(|x|))      G(a) = min(g·(a/M)^(p − 1), ceiling)      N(a) = 1 − exp(−(a/(k·σ))²)
/// ```
/// with g the band's gain, p its power, M the highest grey level, σ the band's noise and k the containment. A power
/// below 1 raises what is faint more than what is strong: at p = 0.9 what has a hundredth of the full scale is raised
/// 1.6 times as much as what has all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaplacianOptions {
    /// Gain of every band; their number is that of the levels.
    pub gains: Vec<f64>,
    /// Power of every band, below 1 to raise faint structures more than strong ones; empty for 1.
    #[serde(default)]
    pub powers: Vec<f64>,
    /// Largest factor by which a value may grow.
    #[serde(default = "usual_ceiling")]
    pub ceiling: f64,
    /// Multiple of a band's noise below which its structures are not raised; 0 for no containment.
    #[serde(default)]
    pub containment: f64,
}

/// Grey curve at the end: first the range, then one of the curves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToneOptions {
    /// Shares of the whole range that become black and white.
    #[serde(deserialize_with = "array::optional")]
    pub window: Option<[f64; 2]>,
    /// Shares of the foreground's pixels that lie below black and below white.
    #[serde(deserialize_with = "array::optional")]
    pub rank: Option<[f64; 2]>,
    /// Exponent γ of `x^γ`, with x from 0 to 1; below 1 brightens.
    pub gamma: Option<f64>,
    /// Rate k of `(1 − exp(−k·x))/(1 − exp(−k))`, the curve of film; above 0 brightens.
    pub exponential: Option<f64>,
}

/// Factor beyond which faint structures look unreal.
fn usual_ceiling() -> f64 {
    4.0
}

const BITS: RangeInclusive<f64> = 1.0..=16.0;
const TILES: RangeInclusive<f64> = 1.0..=256.0;
const RADIUS: RangeInclusive<f64> = 0.0..=32.0;
const CLIP_MAX: f64 = 1000.0;
const GAIN: RangeInclusive<f64> = 0.0..=20.0;
const POWER: RangeInclusive<f64> = 0.2..=2.0;
const CEILING: RangeInclusive<f64> = 1.0..=100.0;
const CONTAINMENT: RangeInclusive<f64> = 0.0..=20.0;
const GAMMA: RangeInclusive<f64> = 0.1..=10.0;
const EXPONENTIAL: RangeInclusive<f64> = -20.0..=20.0;

impl EnhanceOptions {
    /// Checks every number.
    ///
    /// # Errors
    /// [`TaskError`] naming the field, the value and what is allowed.
    pub fn check(&self) -> Result<(), TaskError> {
        if let Some(bits) = self.bits {
            within("bits", f64::from(bits), &BITS, "1 to 16")?;
        }
        if let Some(mask) = &self.mask {
            within("mask.highest", mask.highest, &(0.0..=1.0), "0 to 1")?;
            for (field, radius) in [("mask.open", mask.open), ("mask.close", mask.close), ("mask.grow", mask.grow)] {
                within(field, f64::from(radius), &RADIUS, "0 to 32 cells")?;
            }
        }
        if let Some(clahe) = &self.clahe {
            clahe.tiles.iter().try_for_each(|n| within("clahe.tiles", f64::from(*n), &TILES, "1 to 256"))?;
            let (most, allowed) = match clahe.convention {
                Convention::ScikitImage => (1.0, "above 0 and at most 1 with scikit-image's convention"),
                Convention::OpenCv | Convention::Kerma => (CLIP_MAX, "above 0 and at most 1000"),
            };
            if !(clahe.clip > 0.0 && clahe.clip <= most) {
                return Err(TaskError::Range { field: "clahe.clip", allowed, got: clahe.clip });
            }
        }
        if let Some(laplacian) = &self.laplacian {
            laplacian.check()?;
        }
        self.tone.as_ref().map_or(Ok(()), ToneOptions::check)
    }
}

impl LaplacianOptions {
    /// Gains with nothing else: no powers, no containment.
    #[must_use]
    pub fn of_gains(gains: Vec<f64>) -> Self {
        Self { gains, powers: Vec::new(), ceiling: usual_ceiling(), containment: 0.0 }
    }

    fn check(&self) -> Result<(), TaskError> {
        let levels = self.gains.len();
        let most = f64::from(Stage::MAX_BANDS);
        within("laplacian.gains", levels as f64, &(1.0..=most), "a list of 1 to 12 numbers")?;
        if ![0, levels].contains(&self.powers.len()) {
            let got = self.powers.len();
            return Err(TaskError::Count { field: "laplacian.powers", each: "gain", expected: levels, got });
        }
        self.gains.iter().try_for_each(|&g| within("laplacian.gains", g, &GAIN, "0 to 20"))?;
        self.powers.iter().try_for_each(|&p| within("laplacian.powers", p, &POWER, "0.2 to 2"))?;
        within("laplacian.ceiling", self.ceiling, &CEILING, "1 to 100")?;
        within("laplacian.containment", self.containment, &CONTAINMENT, "0 to 20")
    }

    /// Power of a band.
    #[must_use]
    pub fn power(&self, band: usize) -> f64 {
        self.powers.get(band).copied().unwrap_or(1.0)
    }
}

impl ToneOptions {
    fn check(&self) -> Result<(), TaskError> {
        for (field, range) in [("tone.window", self.window), ("tone.rank", self.rank)] {
            let Some([low, high]) = range else { continue };
            let allowed = "two shares, 0 to 1, the first below the second";
            [low, high].into_iter().try_for_each(|share| within(field, share, &(0.0..=1.0), allowed))?;
            if low >= high {
                return Err(TaskError::Range { field, allowed, got: low });
            }
        }
        if self.window.is_some() && self.rank.is_some() {
            return Err(TaskError::Exclusive { fields: ["tone.window", "tone.rank"] });
        }
        if self.gamma.is_some() && self.exponential.is_some() {
            return Err(TaskError::Exclusive { fields: ["tone.gamma", "tone.exponential"] });
        }
        within("tone.gamma", self.gamma.unwrap_or(1.0), &GAMMA, "0.1 to 10")?;
        let rate = self.exponential.unwrap_or(1.0);
        within("tone.exponential", rate, &EXPONENTIAL, "-20 to 20, but not 0")?;
        if rate == 0.0 {
            return Err(TaskError::Range { field: "tone.exponential", allowed: "-20 to 20, but not 0", got: rate });
        }
        Ok(())
    }
}

/// A comparison with NaN is false, so NaN is refused too.
fn within(field: &'static str, got: f64, range: &RangeInclusive<f64>, allowed: &'static str) -> Result<(), TaskError> {
    if range.contains(&got) { Ok(()) } else { Err(TaskError::Range { field, allowed, got }) }
}
