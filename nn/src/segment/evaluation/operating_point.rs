use kerma::{
    data::{Grid, Unit, Volume},
    metrics::froc::{Criterion, Detections, Nodule, Scan},
    tasks::detect::candidates,
};

use super::{
    super::{Calibration, Segmenter},
    detectors::CANDIDATE,
};
use crate::Error;

/// Logits of the histogram: the outermost, and how many there are to 1.
const REACH: f64 = 60.0;
const BINS_PER_UNIT: f64 = 10.0;
/// Calibration that bodies are looked at with: flat, so that probabilities in single precision tell logits of 60.
const FLAT: Calibration = Calibration { slope: 0.25, offset: 0.0 };
/// Halvings of the interval of slopes, from 0 to 4.
const HALVINGS: usize = 30;
const STEEPEST: f64 = 4.0;

/// What a network of slices is asked on bodies that it has not seen.
pub struct Validation {
    /// What it looks at.
    pub volume: Volume,
    /// Numbers of nodules on the same grid, 0 elsewhere.
    pub labels: Volume,
    /// Nodules.
    pub nodules: Vec<Nodule>,
}

/// What such bodies tell of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    /// From its logits to probabilities: voxels of nodules counted more often in the training than they are, and networks are
    /// surer than they are right.
    pub calibration: Calibration,
    /// The least of these probabilities above which most is right by F1, and that F1; none where nothing is found.
    pub threshold: Option<(f64, f64)>,
}

impl OperatingPoint {
    /// Of a network, whatever its card says already.
    ///
    /// # Errors
    /// As [`Segmenter::run`], and what reading a case says; [`Error::Image`] when labels lie on another grid.
    pub fn of(segmenter: Segmenter, cases: impl IntoIterator<Item = Result<Validation, Error>>) -> Result<Self, Error> {
        let said = |e: &dyn std::fmt::Display| Error::Image(e.to_string());
        let segmenter = segmenter.with_calibration(FLAT);
        let (mut logits, mut found) = (Logits::default(), Vec::new());
        for case in cases {
            let Validation { volume, labels, nodules } = case?;
            if labels.grid().size() != volume.grid().size() {
                let [labels, volume] = [labels.grid(), volume.grid()];
                return Err(said(&format!("labels must lie on {volume}, got {labels}")));
            }
            let probability = segmenter.run(&volume, &mut |_| Ok(()))?;
            logits.add(probability.values(), labels.values());
            found.push((*probability.grid(), probability.into_values(), nodules));
        }
        let calibration = logits.calibration();
        let scan = |(grid, values, nodules): (Grid, Vec<f32>, Vec<Nodule>)| {
            let calibrated = |p: f32| if p > 0.0 { calibration.probability(FLAT.logit(p)) } else { 0.0 };
            let values = values.into_iter().map(calibrated).collect();
            let volume = Volume::new(grid, Unit::Arbitrary, values).map_err(|e| said(&e))?;
            Ok(Scan { nodules, marks: candidates(&volume, CANDIDATE).map_err(|e| said(&e))?.marks })
        };
        let scans = found.into_iter().map(scan).collect::<Result<Vec<_>, Error>>()?;
        let detections = Detections::new(&scans, Criterion::Sphere).map_err(|e| said(&e))?;
        // Candidates have a voxel above their threshold, and the best score is to be one.
        let below = |(score, f1): (f64, f64)| (f64::from((score as f32).next_down()), f1);
        Ok(Self { calibration, threshold: detections.best_threshold().map(below) })
    }
}

/// How many voxels have which logit, of those that belong to no nodule and those that do.
struct Logits {
    counts: Vec<[f64; 2]>,
}

impl Default for Logits {
    fn default() -> Self {
        Self { counts: vec![[0.0; 2]; (2.0 * REACH * BINS_PER_UNIT) as usize + 1] }
    }
}

impl Logits {
    /// Counts the voxels of a body that were looked at: a sigmoid is nowhere 0.
    fn add(&mut self, probabilities: &[f32], labels: &[f32]) {
        for (p, label) in probabilities.iter().zip(labels).filter(|(p, _)| **p > 0.0) {
            let logit = FLAT.logit(*p).clamp(-REACH, REACH);
            self.counts[((logit + REACH) * BINS_PER_UNIT).round() as usize][usize::from(*label > 0.0)] += 1.0;
        }
    }

    /// 1/2 where fewest voxels are on the wrong side, which is what a probability of 1/2 means; the slope is that of the greatest
    /// likelihood then (after J. Platt, in Advances in Large Margin Classifiers, 2000). With both by likelihood, nodules that are
    /// missed altogether would move the 1/2 within those that are found. Logits as they are where all voxels are alike.
    fn calibration(&self) -> Calibration {
        let nodules: f64 = self.counts.iter().map(|[_, nodules]| nodules).sum();
        let all: f64 = self.counts.iter().map(|[none, nodules]| none + nodules).sum();
        if nodules == 0.0 || nodules == all {
            return Calibration { slope: 1.0, offset: 0.0 };
        }
        let logit = |bin: usize| bin as f64 / BINS_PER_UNIT - REACH;
        // From the largest logit on: how many voxels are wrong when those of a bin and above are nodules, and the largest and the
        // least bound with the fewest.
        let (mut wrong, mut fewest, mut best) = (nodules, nodules, [REACH; 2]);
        for (bin, [none, nodule]) in self.counts.iter().enumerate().rev() {
            wrong += none - nodule;
            let bound = logit(bin) - 0.5 / BINS_PER_UNIT;
            if wrong < fewest {
                (fewest, best) = (wrong, [bound; 2]);
            } else if wrong == fewest {
                best[1] = bound;
            }
        }
        let even = (best[0] + best[1]) / 2.0;
        let gradient = |slope: f64| -> f64 {
            let of = |(bin, [none, nodule]): (usize, &[f64; 2])| {
                let x = logit(bin) - even;
                x * ((none + nodule) / (1.0 + (-slope * x).exp()) - nodule)
            };
            self.counts.iter().enumerate().map(of).sum()
        };
        let (mut low, mut high) = (0.0, STEEPEST);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            if gradient(middle) < 0.0 { low = middle } else { high = middle }
        }
        Calibration { slope: high, offset: -high * even }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Voxels whose probabilities are right, seen by a network that needs a calibration. Bounds from 0.3 to 0.7 are equally good.
    fn seen(calibration: Calibration) -> Logits {
        let mut logits = Logits::default();
        for (p, voxels) in [(0.02, 20_000), (0.3, 500), (0.5, 900), (0.7, 400)] {
            let nodules = (p * f64::from(voxels)).round() as usize;
            let said = vec![FLAT.probability(calibration.logit(p as f32)); voxels as usize];
            let labels: Vec<f32> = (0..voxels as usize).map(|at| f32::from(u8::from(at < nodules))).collect();
            logits.add(&said, &labels);
        }
        logits
    }

    #[test]
    fn the_calibration_is_found() {
        for (slope, offset) in [(1.0, 0.0), (0.3, -2.0), (1.5, 1.0)] {
            let found = seen(Calibration { slope, offset }).calibration();
            // Within the width of the histogram's bins.
            assert!((found.slope / slope - 1.0).abs() < 0.05, "{found:?}");
            assert!((found.offset - offset).abs() < 0.5 * slope / BINS_PER_UNIT + 0.05, "{found:?}");
        }
    }

    #[test]
    fn sure_logits_keep_their_order() {
        let calibration = Calibration { slope: 1.5, offset: -2.0 };
        let ps: Vec<f32> = (-40..=60).map(|logit| calibration.probability(f64::from(logit))).collect();
        assert!(ps.windows(2).all(|pair| pair[0] < pair[1]), "{ps:?}");
        // Below 6 it is the logistic function of the line.
        assert_eq!(calibration.probability(2.0), (1.0 / (1.0 + (-1.0_f64).exp())) as f32);
        for logit in -60..=60 {
            let logit = f64::from(logit);
            assert!((FLAT.logit(FLAT.probability(logit)) - logit).abs() < 0.5 / BINS_PER_UNIT, "{logit}");
        }
    }

    #[test]
    fn nodules_that_are_missed_do_not_move_one_half() {
        let even = |logits: &Logits| {
            let Calibration { slope, offset } = logits.calibration();
            -offset / slope
        };
        let mut logits = seen(Calibration { slope: 1.0, offset: 2.0 });
        let before = even(&logits);
        logits.add(&[FLAT.probability(-20.0); 5000], &[1.0; 5000]);
        assert!((even(&logits) - before).abs() < 1e-6, "{} after {before}", even(&logits));
    }

    #[test]
    fn what_is_not_a_number_is_no_probability() {
        assert!(FLAT.probability(f64::NAN).is_nan());
    }

    #[test]
    fn voxels_that_were_not_looked_at_do_not_count() {
        let mut logits = seen(Calibration { slope: 0.5, offset: -1.0 });
        let calibration = logits.calibration();
        logits.add(&[0.0; 1000], &[1.0; 1000]);
        assert_eq!(logits.calibration(), calibration);
        assert_eq!(Logits::default().calibration(), Calibration { slope: 1.0, offset: 0.0 });
    }
}
