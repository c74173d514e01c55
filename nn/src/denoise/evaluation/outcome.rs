use std::collections::BTreeMap;

use kerma::data::Image;
use serde::Serialize;

use super::{Interval, Metric, NoiseKind, Verdict};

/// What an evaluation found.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Seed of noise, inserts and samplers.
    pub seed: u64,
    /// Seed of the bodies.
    pub image_seed: u64,
    /// Columns and rows of an image.
    pub size: [usize; 2],
    /// Names of the images.
    pub images: Vec<String>,
    /// Methods in the order of the recipe.
    pub methods: Vec<String>,
    /// The method that the others are compared with.
    pub baseline: Option<String>,
    /// Doses and kinds of noise, highest dose first.
    pub conditions: Vec<Condition>,
    /// Every condition and method.
    pub cells: Vec<Cell>,
    /// CPBD of the clean images.
    pub clean_cpbd: Option<Interval>,
    /// Whether another start of the chain would be better.
    pub matched: Vec<MatchedDose>,
    /// Whether tiles show.
    pub seams: Vec<SeamLine>,
    /// What became of the checks.
    pub verdicts: Vec<Verdict>,
    /// Wall time of everything.
    pub seconds: f64,
    /// Device in words, as models' cards have it.
    pub machine: String,
    /// The first image through all methods.
    #[serde(skip)]
    pub gallery: Vec<Gallery>,
}

/// A dose and a kind of noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// Name of the dose.
    pub dose: String,
    /// Quanta per unit of signal.
    pub quanta: f64,
    /// Kind of noise.
    pub noise: NoiseKind,
}

/// A method in a condition.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Name of the dose.
    pub dose: String,
    /// Kind of noise.
    pub noise: NoiseKind,
    /// Name of the method.
    pub method: String,
    /// What was measured.
    pub measures: BTreeMap<Metric, Measured>,
}

/// Values of one metric, in the order of the images.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// One per image; none where the metric has no value.
    pub values: Vec<Option<f64>>,
    /// Their mean.
    pub interval: Interval,
    /// Mean of the differences to the baseline on the same images.
    pub ahead: Option<Interval>,
}

impl Measured {
    /// The mean of the values there are; none where there are none.
    pub(super) fn of(values: Vec<Option<f64>>) -> Option<Self> {
        let there: Vec<f64> = values.iter().flatten().copied().collect();
        Some(Self { interval: Interval::of(&there)?, ahead: None, values })
    }

    /// The mean of the differences to `other` on the images in which both have a value.
    pub(super) fn less(&self, other: &Self) -> Option<Interval> {
        let pairs = self.values.iter().zip(&other.values).filter_map(|(a, b)| Some(((*a)?, (*b)?)));
        let (values, from): (Vec<f64>, Vec<f64>) = pairs.unzip();
        Interval::of_differences(&values, &from)
    }
}

/// The matched start of the chain against the best one found, at one dose.
#[derive(Clone, Debug, Serialize)]
pub struct MatchedDose {
    /// Quanta per unit of signal.
    pub quanta: f64,
    /// Kind of noise.
    pub noise: NoiseKind,
    /// Mean step t* of the chain.
    pub start: f64,
    /// PSNR with the matched start.
    pub psnr: Interval,
    /// Factors of the noise's deviation and the mean PSNR of each.
    pub curve: Vec<[f64; 2]>,
    /// The best factor.
    pub best: f64,
    /// How much better it is, in decibels, on the same images.
    pub gap: Interval,
}

/// What shows of the tiles of a method.
#[derive(Clone, Debug, Serialize)]
pub struct SeamLine {
    /// Name of the method.
    pub method: String,
    /// Name of the dose.
    pub dose: String,
    /// Kind of noise.
    pub noise: NoiseKind,
    /// Rows and columns of a tile.
    pub tile: usize,
    /// Distance of the tiles in pixels.
    pub period_px: f64,
    /// Line in denoised − noisy, in decibels.
    pub difference_db: f64,
    /// Line in denoised − clean, in decibels: without the noise, but the errors of images are no white noise.
    pub error_db: f64,
    /// Number of images.
    pub images: usize,
}

/// One image in one condition through all methods.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// The condition.
    pub condition: Condition,
    /// The image without noise.
    pub clean: Image,
    /// The image with noise.
    pub noisy: Image,
    /// What each method made of it.
    pub denoised: Vec<(String, Image)>,
}

impl Condition {
    /// Name for people.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} dose ({}), {}", self.dose, self.quanta, self.noise.name())
    }
}

impl Outcome {
    /// What was measured of a method in a condition.
    #[must_use]
    pub fn measured(&self, dose: &str, noise: NoiseKind, method: &str, metric: Metric) -> Option<&Measured> {
        let cell = |cell: &&Cell| cell.dose == dose && cell.noise == noise && cell.method == method;
        self.cells.iter().find(cell)?.measures.get(&metric)
    }

    /// Whether all checks hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_those_of_one_image() {
        let of = |values: &[Option<f64>]| Measured::of(values.to_vec()).unwrap();
        let (a, b) = (of(&[Some(1.0), None, Some(5.0), Some(9.0)]), of(&[Some(0.0), Some(7.0), None, Some(6.0)]));
        let less = a.less(&b).unwrap();
        assert_eq!((less.mean, less.count), (2.0, 2));
        assert_eq!((a.interval.mean, a.interval.count), (5.0, 3));
        assert!(of(&[Some(1.0)]).less(&of(&[None, Some(1.0)])).is_none());
        assert!(Measured::of(vec![None]).is_none());
    }
}
