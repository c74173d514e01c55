use super::{Detections, RATES};
use crate::metrics::{Bootstrap, Comparison, Estimate, MetricError};

/// The numbers of a free-response ROC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Froc {
    /// Sensitivities at each of [`RATES`].
    pub sensitivities: [Estimate; RATES.len()],
    /// Their mean, LUNA16's competition performance metric.
    pub cpm: Estimate,
}

/// A number that tells how good a detector is. Thresholds are scores, and marks with just that score count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// Mean of the sensitivities at [`RATES`].
    Cpm,
    /// Nodules found over nodules.
    Sensitivity {
        /// Least score.
        threshold: f64,
    },
    /// Nodules found over nodules found and false marks.
    Precision {
        /// Least score.
        threshold: f64,
    },
    /// Median of the marks' diameters less those of the nodules they find, in millimetres.
    SizeBias {
        /// Least score.
        threshold: f64,
    },
}

impl Measure {
    fn check(self) -> Result<(), MetricError> {
        match self {
            Self::Sensitivity { threshold } | Self::Precision { threshold } | Self::SizeBias { threshold }
                if threshold.is_nan() =>
            {
                Err(MetricError::Setting { what: "threshold", allowed: "a score", got: threshold })
            }
            _ => Ok(()),
        }
    }

    fn undefined(self) -> MetricError {
        let (metric, reason) = match self {
            Self::Cpm => ("CPM", "no nodule counts".to_owned()),
            Self::Sensitivity { .. } => ("sensitivity", "no nodule counts".to_owned()),
            Self::Precision { threshold } => ("precision", format!("no mark has a score of {threshold} or more")),
            Self::SizeBias { threshold } => {
                ("size bias", format!("no mark with a diameter and a score of {threshold} or more hits a nodule"))
            }
        };
        MetricError::Undefined { metric, reason }
    }
}

impl Detections {
    /// The sensitivities and their mean, with intervals over scans.
    ///
    /// # Errors
    /// [`MetricError::Setting`] when the number of draws is out of its bounds.
    pub fn froc(&self, bootstrap: &Bootstrap) -> Result<Froc, MetricError> {
        let all = |times: &[u32]| {
            let found = self.sensitivities_of(times)?;
            let mut all = [mean(found); RATES.len() + 1];
            all[..RATES.len()].copy_from_slice(&found);
            Some(all)
        };
        let estimates = bootstrap.estimates(self.scan_count(), all)?.ok_or_else(|| Measure::Cpm.undefined())?;
        let [sensitivities @ .., cpm] = estimates;
        Ok(Froc { sensitivities, cpm })
    }

    /// One number with its interval over scans.
    ///
    /// # Errors
    /// [`MetricError::Undefined`] when no mark is there to tell it; [`MetricError::Setting`] when the number of draws is out of its
    /// bounds or a threshold is NaN.
    pub fn estimate(&self, measure: Measure, bootstrap: &Bootstrap) -> Result<Estimate, MetricError> {
        measure.check()?;
        let value = |times: &[u32]| self.value(measure, times).map(|value| [value]);
        let estimate = bootstrap.estimates(self.scan_count(), value)?;
        estimate.map(|[estimate]| estimate).ok_or_else(|| measure.undefined())
    }

    /// This detector's number less another's on the same scans, by draws of scans for both at once; `measures` are this one's and
    /// the other's, the same but for their thresholds, since scores of two detectors need not mean the same. A larger
    /// [`Measure::SizeBias`] is called better as well, and is not.
    ///
    /// # Errors
    /// [`MetricError::Unpaired`] when scans or their nodules differ, and those of [`estimate`](Self::estimate) for either.
    pub fn compare(
        &self,
        other: &Self,
        measures: [Measure; 2],
        bootstrap: &Bootstrap,
    ) -> Result<Comparison, MetricError> {
        let [own, theirs] = measures;
        own.check()?;
        theirs.check()?;
        self.check_paired(other)?;
        let value = |times: &[u32]| Some([self.value(own, times)? - other.value(theirs, times)?]);
        let difference = bootstrap.estimates(self.scan_count(), value)?;
        let [difference] = difference.ok_or_else(|| own.undefined())?;
        Ok(difference.into())
    }

    fn check_paired(&self, other: &Self) -> Result<(), MetricError> {
        let [one, two] = [self, other].map(Self::scan_count);
        if one != two {
            return Err(MetricError::Unpaired { reason: format!("one read {one} scans, the other {two}") });
        }
        match self.nodules().iter().zip(other.nodules()).position(|(one, other)| one != other) {
            Some(scan) => Err(MetricError::Unpaired { reason: format!("the nodules of scan {scan} differ") }),
            None => Ok(()),
        }
    }

    fn value(&self, measure: Measure, times: &[u32]) -> Option<f64> {
        let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
        match measure {
            Measure::Cpm => self.sensitivities_of(times).map(mean),
            Measure::Sensitivity { threshold } => {
                let counts = self.counts_of(threshold, times);
                share(counts.hits, counts.nodules)
            }
            Measure::Precision { threshold } => {
                let counts = self.counts_of(threshold, times);
                share(counts.hits, counts.hits + counts.false_marks)
            }
            Measure::SizeBias { threshold } => self.size_bias_of(threshold, times),
        }
    }
}

fn mean(sensitivities: [f64; RATES.len()]) -> f64 {
    sensitivities.iter().sum::<f64>() / RATES.len() as f64
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;
    use crate::{
        metrics::{
            Verdict,
            froc::{Criterion, Mark, Nodule, Scan},
        },
        phantom::random::Random,
    };

    /// Thirty scans of four nodules each in a box of 200 mm, and what a detector says that finds a nodule with a probability
    /// `skill`, with scores above those of its four false marks more often than not; sizes are 1 mm too small.
    fn scans(skill: f64, seed: u64) -> Vec<Scan> {
        let mut truth = Random::new(1);
        let mut random = Random::new(seed);
        let place = |random: &mut Random| DVec3::from_array([0; 3].map(|_| random.within(-100.0, 100.0)));
        let scan = |_| {
            let nodules: Vec<Nodule> = (0..4)
                .map(|_| Nodule {
                    centre_mm: place(&mut truth),
                    diameter_mm: truth.within(4.0, 12.0),
                    is_excluded: false,
                })
                .collect();
            let mut marks: Vec<Mark> = (0..4)
                .map(|_| Mark { position_mm: place(&mut random), score: random.within(0.0, 0.7), diameter_mm: None })
                .collect();
            for nodule in nodules.iter().filter(|_| random.within(0.0, 1.0) < skill) {
                marks.push(Mark {
                    position_mm: nodule.centre_mm + DVec3::Y,
                    score: 0.0,
                    diameter_mm: Some(nodule.diameter_mm - 1.0),
                });
            }
            for mark in marks.iter_mut().filter(|mark| mark.diameter_mm.is_some()) {
                mark.score = random.within(0.3, 1.0);
            }
            Scan { nodules, marks }
        };
        (0..30).map(scan).collect()
    }

    fn detections(scans: &[Scan]) -> Detections {
        Detections::new(scans, Criterion::Sphere).unwrap()
    }

    fn cpm(scans: &[Scan]) -> f64 {
        detections(scans).estimate(Measure::Cpm, &Bootstrap { seed: 0, draws: 40 }).unwrap().value
    }

    #[test]
    fn marks_of_other_scans_find_nothing_and_a_moved_nodule_is_missed() {
        let good = scans(0.9, 2);
        let found = cpm(&good);
        assert!(found > 0.6, "{found}");
        // Labels shuffled: the marks of the next scan.
        let shuffled: Vec<Scan> = (0..30)
            .map(|i| Scan { nodules: good[i].nodules.clone(), marks: good[(i + 1) % 30].marks.clone() })
            .collect();
        assert!(cpm(&shuffled) < 0.05, "{}", cpm(&shuffled));
        // Scores shuffled over the marks: fewer false ones come last.
        let mut random = Random::new(5);
        let mut blind = good.clone();
        blind.iter_mut().flat_map(|scan| &mut scan.marks).for_each(|mark| mark.score = random.within(0.0, 1.0));
        assert!(cpm(&blind) < found - 0.15, "{} {found}", cpm(&blind));
        let mut moved = good.clone();
        for scan in &mut moved[..10] {
            scan.nodules[0].centre_mm.y += 500.0;
        }
        assert!(cpm(&moved) < found - 0.02, "{} {found}", cpm(&moved));
    }

    #[test]
    fn a_better_detector_is_better_and_an_equal_one_undecided() {
        let bootstrap = Bootstrap::default();
        let [good, bad, other] = [(0.9, 2), (0.5, 3), (0.5, 4)].map(|(skill, seed)| detections(&scans(skill, seed)));
        let compare = |a: &Detections, b: &Detections, measure| a.compare(b, [measure; 2], &bootstrap).unwrap();
        let better = compare(&good, &bad, Measure::Cpm);
        assert_eq!(better.verdict, Verdict::Better);
        assert!(better.difference.interval.unwrap()[0] > 0.1, "{better:?}");
        let worse = compare(&bad, &good, Measure::Cpm);
        assert_eq!((worse.verdict, worse.difference.value), (Verdict::Worse, -better.difference.value));
        assert_eq!(compare(&bad, &other, Measure::Cpm).verdict, Verdict::Undecided);
        assert_eq!(compare(&good, &bad, Measure::Sensitivity { threshold: 0.5 }).verdict, Verdict::Better);
        // Each at a threshold of its own: with all of the bad one's marks and none of the good one's.
        let measures = [2.0, 0.0].map(|threshold| Measure::Sensitivity { threshold });
        let found = bad.estimate(measures[1], &bootstrap).unwrap().value;
        assert_eq!(good.compare(&bad, measures, &bootstrap).unwrap().difference.value, -found);
        // Drawn for both at once: a detector differs from itself by nothing.
        let none = compare(&good, &good, Measure::Precision { threshold: 0.5 });
        assert_eq!((none.difference.interval, none.verdict), (Some([0.0; 2]), Verdict::Undecided));

        let mut moved = scans(0.9, 2);
        moved[3].nodules[1].centre_mm.x += 1.0;
        let refused =
            |scans: &[Scan]| good.compare(&detections(scans), [Measure::Cpm; 2], &bootstrap).unwrap_err().to_string();
        assert_eq!(refused(&moved), "detectors are compared on the same scans, but the nodules of scan 3 differ");
        assert!(refused(&moved[1..]).ends_with("one read 30 scans, the other 29"));
    }

    #[test]
    fn one_operating_point_has_sensitivity_precision_and_size() {
        let of = detections(&scans(0.9, 2));
        let estimate = |measure| of.estimate(measure, &Bootstrap::default());
        let counts = of.counts(0.5);
        let (hits, marks) = (counts.hits as f64, (counts.hits + counts.false_marks) as f64);
        let sensitivity = estimate(Measure::Sensitivity { threshold: 0.5 }).unwrap();
        let precision = estimate(Measure::Precision { threshold: 0.5 }).unwrap();
        assert_eq!((sensitivity.value, precision.value), (hits / 120.0, hits / marks));
        for Estimate { value, interval } in [sensitivity, precision] {
            let [low, high] = interval.unwrap();
            assert!(value - 0.2 < low && low < value && value < high && high < value + 0.2, "{value} {interval:?}");
        }
        let bias = estimate(Measure::SizeBias { threshold: 0.5 }).unwrap();
        assert!((bias.value + 1.0).abs() < 1e-12, "{bias:?}");
        let message = |measure| estimate(measure).unwrap_err().to_string();
        let threshold = 2.0;
        assert_eq!(
            message(Measure::Precision { threshold }),
            "precision is not defined: no mark has a score of 2 or more"
        );
        assert!(message(Measure::SizeBias { threshold }).contains("hits a nodule"));
        assert_eq!(estimate(Measure::Sensitivity { threshold }).unwrap().interval, Some([0.0; 2]));
        assert!(message(Measure::Sensitivity { threshold: f64::NAN }).starts_with("threshold must be a score"));
    }

    #[cfg(feature = "parallel")]
    #[test]
    fn intervals_have_the_same_bits_for_any_number_of_threads() {
        let of = detections(&scans(0.7, 2));
        let with = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| of.froc(&Bootstrap { seed, draws: 300 }).unwrap())
        };
        let one = with(1, 7);
        assert_eq!([2, 3, 8].map(|threads| with(threads, 7)), [one; 3]);
        assert!(with(1, 8).cpm.interval != one.cpm.interval && with(1, 8).cpm.value == one.cpm.value);
    }
}
