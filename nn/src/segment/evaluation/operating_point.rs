use kerma::{
    data::{Grid, Unit, Volume},
    metrics::froc::{Criterion, Detections, Nodule, Scan},
    tasks::detect::candidates,
};

use super::{
    super::{Line, Segmenter},
    detectors::CANDIDATE,
};
use crate::Error;

/// Logits of the histogram: the outermost, and how many there are to 1.
const REACH: f64 = 60.0;
const BINS_PER_UNIT: f64 = 10.0;
/// Slope at which bodies are looked at: single precision has no probability beyond a logit of 17, trained networks have logits beyond.
const SLOPE: f64 = 0.25;
/// Largest logit of a probability of these bodies: 1 in single precision is beyond 17, and what is 1 cannot be ranked.
const LARGEST: f64 = 12.0;
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
    /// From its logits to those of probabilities: voxels of nodules counted more often in the training than they are, and networks
    /// are surer than they are right.
    pub line: Line,
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
        let segmenter = segmenter.with_line(Line { slope: SLOPE, offset: 0.0 });
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
        let line = logits.line();
        let scan = |(grid, values, nodules): (Grid, Vec<f32>, Vec<Nodule>)| {
            let calibrated =
                |p: f32| if p > 0.0 { probability_of(line.slope * logit_of(p) + line.offset) } else { 0.0 };
            let values = values.into_iter().map(calibrated).collect();
            let volume = Volume::new(grid, Unit::Arbitrary, values).map_err(|e| said(&e))?;
            Ok(Scan { nodules, marks: candidates(&volume, CANDIDATE).map_err(|e| said(&e))?.marks })
        };
        let scans = found.into_iter().map(scan).collect::<Result<Vec<_>, Error>>()?;
        let detections = Detections::new(&scans, Criterion::Sphere).map_err(|e| said(&e))?;
        // Candidates have a voxel above their threshold, and the best score is to be one.
        let below = |(score, f1): (f64, f64)| (f64::from((score as f32).next_down()), f1);
        Ok(Self { line, threshold: detections.best_threshold().map(below) })
    }
}

/// The network's logit of a probability at [`SLOPE`].
fn logit_of(p: f32) -> f64 {
    let p = f64::from(p);
    (p / (1.0 - p)).ln() / SLOPE
}

fn probability_of(logit: f64) -> f32 {
    (1.0 / (1.0 + (-logit).exp())) as f32
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
            let logit = logit_of(*p).clamp(-REACH, REACH);
            self.counts[((logit + REACH) * BINS_PER_UNIT).round() as usize][usize::from(*label > 0.0)] += 1.0;
        }
    }

    /// 1/2 where as many voxels lie above as belong to nodules, so that volumes are right on the whole; the slope is that of the
    /// greatest likelihood (after J. Platt, in Advances in Large Margin Classifiers, 2000), or the one that keeps all below
    /// [`LARGEST`]. Logits as they are where all voxels are alike.
    fn line(&self) -> Line {
        let nodules: f64 = self.counts.iter().map(|[_, nodules]| nodules).sum();
        let all: f64 = self.counts.iter().map(|[none, nodules]| none + nodules).sum();
        if nodules == 0.0 || nodules == all {
            return Line { slope: 1.0, offset: 0.0 };
        }
        let logit = |bin: usize| bin as f64 / BINS_PER_UNIT - REACH;
        let (mut above, mut even) = (0.0, REACH);
        for (bin, [none, nodule]) in self.counts.iter().enumerate().rev() {
            above += none + nodule;
            even = logit(bin);
            if above >= nodules {
                break;
            }
        }
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
        let last = self.counts.iter().rposition(|[none, nodule]| none + nodule > 0.0).map_or(even, logit);
        let slope = high.min(LARGEST / (last - even).max(1.0));
        Line { slope, offset: -slope * even }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Voxels whose probabilities are right, seen by a network whose logits are another line's. Nodules have half of the voxels at 1/2.
    fn seen(line: Line) -> Logits {
        let mut logits = Logits::default();
        for (p, voxels) in [(0.02, 20_000), (0.3, 500), (0.5, 900), (0.9, 400)] {
            let nodules = (p * f64::from(voxels)).round() as usize;
            let logit = ((p / (1.0 - p)).ln() - line.offset) / line.slope;
            let said = vec![probability_of(SLOPE * logit); voxels as usize];
            let labels: Vec<f32> = (0..voxels as usize).map(|at| f32::from(u8::from(at < nodules))).collect();
            logits.add(&said, &labels);
        }
        logits
    }

    #[test]
    fn the_line_from_logits_to_probabilities_is_found() {
        // 1360 voxels belong to nodules: those of 0.9 and 0.5 are 1300, and 60 of those of 0.3.
        for (slope, offset) in [(1.0, 0.0), (0.3, -2.0), (1.5, 1.0)] {
            let found = seen(Line { slope, offset }).line();
            let even = ((0.3_f64 / 0.7).ln() - offset) / slope;
            assert!((-found.offset / found.slope - even).abs() < 0.06, "{found:?}");
            assert!(found.slope > 0.5 * slope && found.slope < 1.5 * slope, "{found:?}");
        }
    }

    #[test]
    fn no_probability_is_one() {
        let mut logits = Logits::default();
        for (logit, label) in [(-20.0, 0.0), (55.0, 1.0), (3.0, 1.0), (2.0, 0.0)] {
            logits.add(&vec![probability_of(SLOPE * logit); 100], &[label; 100]);
        }
        let line = logits.line();
        assert!(probability_of(line.slope * 55.0 + line.offset) < 1.0 - f32::EPSILON, "{line:?}");
        assert!((-line.offset / line.slope - 3.0).abs() < 0.06, "{line:?}");
    }

    #[test]
    fn voxels_that_were_not_looked_at_do_not_count() {
        let mut logits = seen(Line { slope: 0.5, offset: -1.0 });
        let line = logits.line();
        logits.add(&[0.0; 1000], &[1.0; 1000]);
        assert_eq!(logits.line(), line);
        assert_eq!(Logits::default().line(), Line { slope: 1.0, offset: 0.0 });
    }
}
