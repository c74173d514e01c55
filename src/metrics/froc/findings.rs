use std::ops::Range;

use glam::DVec3;

use crate::metrics::MetricError;

/// A nodule that is known to be there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nodule {
    /// Where its centre is, in millimetres.
    pub centre_mm: DVec3,
    /// Diameter of the ball of its volume, in millimetres.
    pub diameter_mm: f64,
    /// Whether it counts neither as found nor as missed, and marks on it neither as hits nor as false.
    pub is_excluded: bool,
}

/// What a detector points at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Where, in millimetres.
    pub position_mm: DVec3,
    /// How sure the detector is: more is surer, in any finite unit.
    pub score: f64,
    /// Diameter of the ball of its volume, in millimetres, where the detector tells.
    pub diameter_mm: Option<f64>,
}

/// What is in a scan and what a detector marked in it, in any order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scan {
    /// The truth.
    pub nodules: Vec<Nodule>,
    /// The detector's answer.
    pub marks: Vec<Mark>,
}

/// When a mark hits a nodule of radius r.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Criterion {
    /// |Δ| < r, LUNA16's: less than, so that a mark on the surface misses.
    #[default]
    Sphere,
    /// |Δxz| < r and |Δy| < ½·`depth_mm`: for tomosynthesis along y, whose error of depth can exceed r. `depth_mm` is the
    /// full width at half maximum of the slice profile.
    InPlane {
        /// Depth within which a mark hits, in millimetres.
        depth_mm: f64,
    },
}

impl Criterion {
    /// Whether a mark at a position hits.
    #[must_use]
    pub fn is_hit(self, nodule: &Nodule, position_mm: DVec3) -> bool {
        let squared = (nodule.diameter_mm / 2.0).powi(2);
        let offset = position_mm - nodule.centre_mm;
        match self {
            Self::Sphere => offset.length_squared() < squared,
            Self::InPlane { depth_mm } => {
                offset.x * offset.x + offset.z * offset.z < squared && offset.y.abs() < depth_mm / 2.0
            }
        }
    }

    pub(super) fn check(self) -> Result<(), MetricError> {
        match self {
            Self::InPlane { depth_mm } if !(depth_mm.is_finite() && depth_mm > 0.0) => {
                Err(MetricError::Setting { what: "depth_mm", allowed: "positive and finite", got: depth_mm })
            }
            _ => Ok(()),
        }
    }
}

impl Scan {
    /// The scan with the nodules whose diameter in millimetres lies within a range, the lower end included; all others are
    /// excluded findings. So a bin of sizes has the false marks of all.
    #[must_use]
    pub fn of_sizes(mut self, diameters_mm: Range<f64>) -> Self {
        self.nodules.iter_mut().for_each(|nodule| nodule.is_excluded |= !diameters_mm.contains(&nodule.diameter_mm));
        self
    }

    /// The scan with at most `count` of its marks: where there are more, those with a score above that of the `count + 1`st,
    /// so that ties at the end all go. LUNA16 keeps 100.
    #[must_use]
    pub fn with_most_marks(mut self, count: usize) -> Self {
        let mut scores: Vec<f64> = self.marks.iter().map(|mark| mark.score).collect();
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        if let Some(&first_left_out) = scores.get(count) {
            self.marks.retain(|mark| mark.score > first_left_out);
        }
        self
    }

    /// Checks the numbers of scan `scan` of a list, and that no nodule that counts is there twice.
    pub(super) fn check(&self, scan: usize) -> Result<(), MetricError> {
        let fault = |item, index, what, allowed, got: &dyn ToString| {
            Err(MetricError::Finding { scan, item, index, what, allowed, got: got.to_string() })
        };
        let is_length = |mm: f64| mm.is_finite() && mm > 0.0;
        for (index, nodule) in self.nodules.iter().enumerate() {
            if !nodule.centre_mm.is_finite() {
                return fault("nodule", index, "centre_mm", "finite", &nodule.centre_mm);
            }
            if !is_length(nodule.diameter_mm) {
                return fault("nodule", index, "diameter_mm", "positive and finite", &nodule.diameter_mm);
            }
            let is_same = |other: &Nodule| !other.is_excluded && other.centre_mm == nodule.centre_mm;
            if !nodule.is_excluded && self.nodules[..index].iter().any(is_same) {
                return fault("nodule", index, "centre_mm", "that of no nodule before it", &nodule.centre_mm);
            }
        }
        for (index, mark) in self.marks.iter().enumerate() {
            if !mark.position_mm.is_finite() {
                return fault("mark", index, "position_mm", "finite", &mark.position_mm);
            }
            if !mark.score.is_finite() {
                return fault("mark", index, "score", "finite", &mark.score);
            }
            if let Some(diameter_mm) = mark.diameter_mm.filter(|&mm| !is_length(mm)) {
                return fault("mark", index, "diameter_mm", "positive and finite", &diameter_mm);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodule(centre_mm: [f64; 3], diameter_mm: f64) -> Nodule {
        Nodule { centre_mm: DVec3::from_array(centre_mm), diameter_mm, is_excluded: false }
    }

    fn mark(position_mm: [f64; 3], score: f64) -> Mark {
        Mark { position_mm: DVec3::from_array(position_mm), score, diameter_mm: None }
    }

    #[test]
    fn the_surface_is_no_hit_and_depth_has_a_width_of_its_own() {
        let ball = nodule([1.0, 2.0, 3.0], 10.0);
        let hits = |criterion: Criterion, offset: [f64; 3]| {
            criterion.is_hit(&ball, ball.centre_mm + DVec3::from_array(offset))
        };
        let plane = Criterion::InPlane { depth_mm: 30.0 };
        for (offset, sphere, in_plane) in [
            ([0.0, 0.0, 4.99], true, true),
            ([3.0, 0.0, 4.0], false, false),
            ([0.0, -5.0, 0.0], false, true),
            ([0.0, 14.99, 0.0], false, true),
            ([0.0, 15.0, 0.0], false, false),
            ([4.0, 14.0, 2.99], false, true),
        ] {
            assert_eq!((hits(Criterion::Sphere, offset), hits(plane, offset)), (sphere, in_plane), "{offset:?}");
        }
        assert!(Criterion::InPlane { depth_mm: 0.0 }.check().is_err() && plane.check().is_ok());
    }

    #[test]
    fn sizes_out_of_a_bin_are_excluded_and_tied_marks_go_together() {
        let nodules = [4.0, 6.0, 8.0].map(|d| nodule([d, 0.0, 0.0], d)).to_vec();
        let marks = [0.5, 0.9, 0.3, 0.5].map(|score| mark([0.0; 3], score)).to_vec();
        let scan = Scan { nodules, marks }.of_sizes(6.0..8.0);
        assert_eq!(scan.nodules.iter().map(|n| n.is_excluded).collect::<Vec<_>>(), [true, false, true]);
        let kept = |count| scan.clone().with_most_marks(count).marks.iter().map(|m| m.score).collect::<Vec<_>>();
        assert_eq!((kept(0).len(), kept(1), kept(2)), (0, vec![0.9], vec![0.9]));
        assert_eq!((kept(3), kept(4).len(), kept(9).len()), (vec![0.5, 0.9, 0.5], 4, 4));
    }

    #[test]
    fn faults_are_named_with_scan_and_place() {
        let message = |scan: Scan| scan.check(7).unwrap_err().to_string();
        let of_nodules = |nodules: &[Nodule]| message(Scan { nodules: nodules.to_vec(), marks: vec![] });
        let of_marks = |marks: &[Mark]| message(Scan { nodules: vec![], marks: marks.to_vec() });
        let good = nodule([0.0; 3], 4.0);
        assert_eq!(
            of_nodules(&[good, nodule([1.0; 3], 0.0)]),
            "scan 7, nodule 1: diameter_mm must be positive and finite, got 0"
        );
        assert!(of_nodules(&[nodule([f64::NAN; 3], 4.0)]).contains("nodule 0: centre_mm must be finite, got [NaN"));
        assert!(of_nodules(&[good, good]).contains("nodule 1: centre_mm must be that of no nodule before it"));
        assert_eq!(of_marks(&[mark([0.0; 3], f64::NAN)]), "scan 7, mark 0: score must be finite, got NaN");
        assert!(of_marks(&[mark([f64::INFINITY, 0.0, 0.0], 1.0)]).contains("mark 0: position_mm must be finite"));
        let flat = Mark { diameter_mm: Some(-1.0), ..mark([0.0; 3], 1.0) };
        assert!(of_marks(&[flat]).contains("diameter_mm must be positive and finite, got -1"));
        let twice = Nodule { is_excluded: true, ..good };
        assert_eq!(Scan { nodules: vec![twice, good, twice], marks: vec![] }.check(0), Ok(()));
    }
}
