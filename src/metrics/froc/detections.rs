use super::{Criterion, Mark, Nodule, Scan};
use crate::metrics::MetricError;

/// Numbers of false marks per scan at which sensitivities are told.
pub const RATES: [f64; 7] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// Which marks hit which nodules, and which are false.
///
/// - A nodule that counts is found with the best score of the marks that hit it; its other marks are ignored. The size is that
///   of the same mark, of several with that score the nearest.
/// - One mark may hit two nodules, and finds both.
/// - A mark that hits nothing but excluded findings is ignored.
/// - All other marks are false.
///
/// A. A. A. Setio et al., Med. Image Anal. 42:1, 2017, as LUNA16's evaluation program counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Detections {
    /// Nodules that count, by scan.
    nodules: Vec<Vec<Nodule>>,
    /// Nodules found and false marks, best score first.
    events: Vec<Event>,
    /// Found nodules whose size the mark tells, smallest error first.
    sizes: Vec<Size>,
}

/// A nodule that is found, or a false mark.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Event {
    score: f64,
    scan: usize,
    is_hit: bool,
}

/// What a mark takes a nodule's diameter for, less the diameter.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Size {
    error_mm: f64,
    score: f64,
    scan: usize,
}

/// What a detector finds when marks below a score are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The score; infinite for the first point, where there is no mark.
    pub threshold: f64,
    /// False marks over scans, those without nodules included.
    pub false_per_scan: f64,
    /// Nodules found over nodules.
    pub sensitivity: f64,
}

/// Nodules and false marks at one threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Scans, those without nodules included.
    pub scans: u64,
    /// Nodules that count.
    pub nodules: u64,
    /// Nodules that a mark hits.
    pub hits: u64,
    /// Marks that hit nothing.
    pub false_marks: u64,
}

impl Detections {
    /// Matches the marks of each scan with its nodules.
    ///
    /// # Errors
    /// [`MetricError`] when a number of a finding is not usable, a nodule that counts is there twice, or there is no scan with a
    /// nodule that counts: sensitivity is the share of something.
    pub fn new(scans: &[Scan], criterion: Criterion) -> Result<Self, MetricError> {
        criterion.check()?;
        let mut all = Self { nodules: Vec::new(), events: Vec::new(), sizes: Vec::new() };
        for (number, scan) in scans.iter().enumerate() {
            scan.check(number)?;
            all.add(number, scan, criterion);
        }
        if all.nodules.iter().all(Vec::is_empty) {
            let reason = format!("none of the {} scans has a nodule that counts", scans.len());
            return Err(MetricError::Undefined { metric: "FROC", reason });
        }
        all.events.sort_by(|a, b| b.score.total_cmp(&a.score));
        all.sizes.sort_by(|a, b| a.error_mm.total_cmp(&b.error_mm));
        Ok(all)
    }

    fn add(&mut self, scan: usize, Scan { nodules, marks }: &Scan, criterion: Criterion) {
        let mut is_false = vec![true; marks.len()];
        let (excluded, counted): (Vec<Nodule>, Vec<Nodule>) = nodules.iter().partition(|nodule| nodule.is_excluded);
        for nodule in excluded.iter().chain(&counted) {
            let mut best: Option<(&Mark, f64)> = None;
            for (mark, is_false) in marks.iter().zip(&mut is_false) {
                if criterion.is_hit(nodule, mark.position_mm) {
                    *is_false = false;
                    // Of equal scores the nearest, so that the order of the marks is nothing.
                    let distance = mark.position_mm.distance_squared(nodule.centre_mm);
                    let is_beaten = |(best, nearest): &(&Mark, f64)| (mark.score, -distance) > (best.score, -*nearest);
                    best = best.filter(|best| !is_beaten(best)).or(Some((mark, distance)));
                }
            }
            let best = best.filter(|_| !nodule.is_excluded);
            let Some((&Mark { score, diameter_mm, .. }, _)) = best else { continue };
            self.events.push(Event { score, scan, is_hit: true });
            let error_mm = diameter_mm.map(|mm| mm - nodule.diameter_mm);
            self.sizes.extend(error_mm.map(|error_mm| Size { error_mm, score, scan }));
        }
        let marks = marks.iter().zip(is_false).filter(|(_, is_false)| *is_false);
        self.events.extend(marks.map(|(mark, _)| Event { score: mark.score, scan, is_hit: false }));
        self.nodules.push(counted);
    }

    /// Number of scans.
    #[must_use]
    pub fn scan_count(&self) -> usize {
        self.nodules.len()
    }

    /// The nodules that count, by scan.
    pub(super) fn nodules(&self) -> &[Vec<Nodule>] {
        &self.nodules
    }

    /// The curve: a point for no mark at all, and one for each score that nodules found or false marks have, best first.
    ///
    /// Marks of one score come together. Nodules that no mark hits are never reached: the curve ends below 1.
    #[must_use]
    pub fn curve(&self) -> Vec<CurvePoint> {
        let times = vec![1; self.scan_count()];
        let (scans, nodules) = (self.scan_count() as f64, self.nodule_count(&times) as f64);
        let point = |threshold, [missed, hit]: [u64; 2]| CurvePoint {
            threshold,
            false_per_scan: missed as f64 / scans,
            sensitivity: hit as f64 / nodules,
        };
        let steps = self.steps(&times).map(|(threshold, counts)| point(threshold, counts));
        std::iter::once(point(f64::INFINITY, [0; 2])).chain(steps).collect()
    }

    /// The score at which most is right by F1, and that F1; of equal ones the largest. None where no mark hits.
    ///
    /// ```text
    /// F1 = 2·found / (2·found + missed + false marks)
    /// ```
    #[must_use]
    pub fn best_threshold(&self) -> Option<(f64, f64)> {
        let times = vec![1; self.scan_count()];
        let nodules = self.nodule_count(&times) as f64;
        let f1 = |[false_marks, hits]: [u64; 2]| 2.0 * hits as f64 / (hits as f64 + nodules + false_marks as f64);
        let points = self.steps(&times).map(|(threshold, counts)| (threshold, f1(counts)));
        points.filter(|(_, f1)| *f1 > 0.0).reduce(|best, point| if point.1 > best.1 { point } else { best })
    }

    /// What is found by marks of a score of `threshold` or more.
    #[must_use]
    pub fn counts(&self, threshold: f64) -> Counts {
        self.counts_of(threshold, &vec![1; self.scan_count()])
    }

    /// The same when each scan counts so many times.
    pub(super) fn counts_of(&self, threshold: f64, times: &[u32]) -> Counts {
        let end = self.events.partition_point(|event| event.score >= threshold);
        let [false_marks, hits] = self.events[..end].iter().fold([0; 2], |counts, event| event.added(counts, times));
        let scans = times.iter().map(|&n| u64::from(n)).sum();
        Counts { scans, nodules: self.nodule_count(times), hits, false_marks }
    }

    fn nodule_count(&self, times: &[u32]) -> u64 {
        self.nodules.iter().zip(times).map(|(nodules, &n)| nodules.len() as u64 * u64::from(n)).sum()
    }

    /// Sensitivities at [`RATES`] when each scan counts so many times; `None` when none of them has a nodule.
    ///
    /// The curve is a line between its points, the upper end where it rises at one rate, and level beyond its last point.
    pub(super) fn sensitivities_of(&self, times: &[u32]) -> Option<[f64; RATES.len()]> {
        let nodules = Some(self.nodule_count(times)).filter(|&n| n > 0)? as f64;
        let scans = times.iter().map(|&n| f64::from(n)).sum::<f64>();
        // Counts at each rate are whole numbers of eighths, so that comparisons are exact.
        let (mut found, mut done, mut before) = ([0.0; RATES.len()], 0, [0.0; 2]);
        for (_, counts) in self.steps(times) {
            let after = counts.map(|n| n as f64);
            while let Some(at) = RATES.get(done).map(|rate| rate * scans).filter(|&at| at < after[0]) {
                let share = (at - before[0]) / (after[0] - before[0]);
                found[done] = (before[1] + share * (after[1] - before[1])) / nodules;
                done += 1;
            }
            if done == RATES.len() {
                break;
            }
            before = after;
        }
        found[done..].fill(before[1] / nodules);
        Some(found)
    }

    /// Each score with the numbers of false marks and of nodules found that have it or a better one.
    fn steps(&self, times: &[u32]) -> impl Iterator<Item = (f64, [u64; 2])> {
        self.events.chunk_by(|a, b| a.score == b.score).scan([0; 2], |counts, events| {
            *counts = events.iter().fold(*counts, |counts, event| event.added(counts, times));
            Some((events[0].score, *counts))
        })
    }

    /// Median error of the diameters of nodules found, in millimetres, where the mark tells one.
    pub(super) fn size_bias_of(&self, threshold: f64, times: &[u32]) -> Option<f64> {
        let sizes = || self.sizes.iter().filter(|size| size.score >= threshold).map(|size| (size, times[size.scan]));
        let count: usize = sizes().map(|(_, n)| n as usize).sum();
        let at = |rank: usize| {
            let mut below = 0;
            let mut reached = sizes().filter(|(_, n)| {
                below += *n as usize;
                below > rank
            });
            reached.next().map(|(size, _)| size.error_mm)
        };
        let [low, high] = [at(count.checked_sub(1)? / 2)?, at(count / 2)?];
        Some((low + high) / 2.0)
    }
}

impl Event {
    fn added(&self, mut counts: [u64; 2], times: &[u32]) -> [u64; 2] {
        counts[usize::from(self.is_hit)] += u64::from(times[self.scan]);
        counts
    }
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;

    fn nodule(x: f64, is_excluded: bool) -> Nodule {
        Nodule { centre_mm: DVec3::X * x, diameter_mm: 10.0, is_excluded }
    }

    fn mark(x: f64, score: f64) -> Mark {
        Mark { position_mm: DVec3::X * x, score, diameter_mm: Some(10.0 + score) }
    }

    fn points(detections: &Detections) -> Vec<[f64; 3]> {
        detections.curve().iter().map(|p| [p.threshold, p.false_per_scan, p.sensitivity]).collect()
    }

    #[test]
    fn every_rule_of_the_count_shows_in_the_curve() {
        let scans = [
            Scan {
                // Two that one mark hits, one that is missed, an excluded one beside the first.
                nodules: vec![nodule(0.0, false), nodule(4.0, false), nodule(100.0, false), nodule(-4.0, true)],
                marks: vec![
                    mark(2.0, 5.0),   // both
                    mark(1.0, 4.0),   // both again: ignored
                    mark(-8.0, 9.0),  // the excluded one alone: ignored
                    mark(-2.0, 3.0),  // excluded and counted: ignored, no better than the first
                    mark(50.0, 6.0),  // false
                    mark(105.0, 7.0), // on the surface: false
                ],
            },
            Scan { nodules: vec![], marks: vec![mark(0.0, 5.0), mark(0.0, 1.0)] },
        ];
        let detections = Detections::new(&scans, Criterion::Sphere).unwrap();
        let third = 2.0 / 3.0;
        let want = [[f64::INFINITY, 0.0, 0.0], [7.0, 0.5, 0.0], [6.0, 1.0, 0.0], [5.0, 1.5, third], [1.0, 2.0, third]];
        assert_eq!(points(&detections), want);
        // At 5, 2 of 3 are found with 3 false marks: 2·2/(2 + 3 + 3); a mark more at 1 is false.
        assert_eq!(detections.best_threshold(), Some((5.0, 0.5)));
        assert_eq!(detections.counts(5.0), Counts { scans: 2, nodules: 3, hits: 2, false_marks: 3 });
        assert_eq!(detections.counts(5.5), Counts { scans: 2, nodules: 3, hits: 0, false_marks: 2 });
        assert_eq!(detections.sensitivities_of(&[1, 1]), Some([0.0, 0.0, 0.0, 0.0, third, third, third]));
        // The first scan alone: at 1 false mark per scan there is nothing yet, at 2 the curve has risen.
        assert_eq!(detections.sensitivities_of(&[2, 0]).unwrap()[3..5], [0.0, third]);
        assert_eq!(detections.sensitivities_of(&[0, 2]), None);
        assert_eq!(detections.size_bias_of(0.0, &[1, 1]), Some(5.0));
        assert_eq!((detections.size_bias_of(0.0, &[0, 2]), detections.size_bias_of(5.1, &[1, 1])), (None, None));
    }

    #[test]
    fn between_two_scores_the_curve_is_a_line() {
        let found = |score| Scan { nodules: vec![nodule(0.0, false)], marks: vec![mark(0.0, score)] };
        let mut scans = vec![found(9.0), found(1.0), found(1.0), Scan::default()];
        // Four false marks with the two hits: from (0, 1/3) to (1, 1).
        scans[3].marks = vec![mark(0.0, 1.0); 4];
        let detections = Detections::new(&scans, Criterion::Sphere).unwrap();
        let got = detections.sensitivities_of(&[1; 4]).unwrap();
        for (rate, got) in RATES.into_iter().zip(got) {
            assert!((got - (1.0 / 3.0 + rate.min(1.0) * 2.0 / 3.0)).abs() < 1e-15, "{rate}: {got}");
        }
    }

    #[test]
    fn without_nodules_there_is_no_curve() {
        let empty = Scan { nodules: vec![nodule(0.0, true)], marks: vec![mark(0.0, 1.0)] };
        for (scans, count) in [(vec![], 0), (vec![empty], 1)] {
            let error = Detections::new(&scans, Criterion::Sphere).unwrap_err();
            assert!(error.is_undefined());
            let want = format!("FROC is not defined: none of the {count} scans has a nodule that counts");
            assert_eq!(error.to_string(), want);
        }
        // Without marks there is one, of a point.
        let missed = [Scan { nodules: vec![nodule(0.0, false)], marks: vec![] }];
        let detections = Detections::new(&missed, Criterion::Sphere).unwrap();
        assert_eq!((points(&detections).len(), detections.sensitivities_of(&[1])), (1, Some([0.0; 7])));
        assert_eq!(detections.best_threshold(), None);
    }
}
