//! How often a scan measures each line, and the weight that makes up for it.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::geometry::{Geometry, Orbit, Source, Trajectory, View};

/// How the rays of a scan repeat each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Redundancy {
    /// A full circle: every line is measured twice.
    FullCircle,
    /// A full circle with a detector that reaches further to one side: lines are measured twice near the axis and once
    /// beyond the short side; weights after Wang (Med. Phys. 29:1634, 2002), whose conjugate rays sum to one full weight.
    Displaced,
    /// Half a circle and the fan, or more: lines are measured once or twice; weights after Parker (Med. Phys. 9:254,
    /// 1982) as written by RTK, whose conjugate rays sum to one full weight.
    ShortScan,
    /// Less than a full circle with a detector that reaches further to one side: near the axis every line is measured
    /// once or twice, beyond it some are not measured at all; conjugate rays share their line as after Noo et al.
    /// (Phys. Med. Biol. 47:2525, 2002).
    DisplacedShort {
        /// Distance from the axis within which every line is measured, in millimetres. Of objects that reach further the
        /// values are contrasts everywhere, since the ramp needs whole rows.
        complete_mm: f64,
    },
    /// Full turns of a helix, one around each slice; approximate, as rays are taken for those of a circle (after Wang et
    /// al., IEEE Trans. Med. Imaging 12:486, 1993).
    Helix,
    /// Half a turn of parallel beams: every line is measured once.
    HalfTurn,
    /// Less than half a circle and the fan: many lines are missing, and those measured twice are shared. Low frequencies
    /// are lost; values are contrasts, not attenuation coefficients.
    LimitedArc,
}

/// Two arcs this close, in radians, are the same: a thousandth of a degree.
const SAME_ARC_RAD: f64 = 2e-5;
/// Difference between the sides of a displaced detector, as a share of its width. Below it, as with a shift by a
/// quarter of a pixel, a steep weight over a wide overlap would only add noise.
const DISPLACED: f64 = 0.1;
/// The same on less than a full circle, where a line beyond the short side has no second ray to make up for it.
const SHIFTED: f64 = 0.01;
/// Angle over which the views at either end of an arc give way to those opposite them.
const FADE_RAD: f64 = 10.0 * PI / 180.0;

impl Redundancy {
    /// How the rays of `orbit` repeat each other.
    #[must_use]
    pub fn of(orbit: &Orbit) -> Self {
        if matches!(orbit.trajectory, Trajectory::Helix { .. }) {
            return Self::Helix;
        }
        let sides = Sides::of(orbit);
        let reaches = |half_fan: f64| orbit.arc_rad + SAME_ARC_RAD >= PI + 2.0 * half_fan;
        if orbit.full_circle {
            return if sides.difference() > DISPLACED { Self::Displaced } else { Self::FullCircle };
        }
        if sides.difference() > SHIFTED && sides.short_mm > 0.0 && reaches(angle_rad(orbit, sides.short_mm)) {
            let complete_mm = match orbit.trajectory {
                Trajectory::Circle { sid_mm, .. }
                | Trajectory::Helix { sid_mm, .. }
                | Trajectory::Line { sid_mm, .. } => sid_mm * angle_rad(orbit, sides.short_mm).sin(),
                Trajectory::Parallel => sides.short_mm,
            };
            return Self::DisplacedShort { complete_mm };
        }
        if closes_after_half(orbit) {
            Self::HalfTurn
        } else if reaches(angle_rad(orbit, sides.long_mm)) {
            Self::ShortScan
        } else {
            Self::LimitedArc
        }
    }

    /// One line about what the redundancy means for the values, if it is anything but plain.
    #[must_use]
    pub fn remark(self) -> Option<String> {
        match self {
            Self::LimitedArc => Some(
                "the arc is shorter than half a circle and the fan: values are contrasts, not attenuation coefficients"
                    .to_owned(),
            ),
            Self::DisplacedShort { complete_mm } => Some(format!(
                "the detector is displaced and the arc is not a full circle: lines more than {complete_mm:.0} mm from the axis are \
                 missing, and values hold for objects that lie within"
            )),
            Self::Helix => Some("a helix is reconstructed approximately, slice by slice as a circle".to_owned()),
            Self::FullCircle | Self::Displaced | Self::ShortScan | Self::HalfTurn => None,
        }
    }
}

/// Whether half a turn of parallel views closes on itself: no line is measured twice.
fn closes_after_half(orbit: &Orbit) -> bool {
    orbit.trajectory == Trajectory::Parallel && (orbit.arc_rad - PI).abs() < SAME_ARC_RAD
}

/// Angle of the ray at `position_mm` to the central one; 0 for parallel rays.
fn angle_rad(orbit: &Orbit, position_mm: f64) -> f64 {
    match orbit.trajectory {
        Trajectory::Circle { sdd_mm, .. } | Trajectory::Helix { sdd_mm, .. } | Trajectory::Line { sdd_mm, .. } => {
            (position_mm / sdd_mm).atan()
        }
        Trajectory::Parallel => 0.0,
    }
}

/// Weight of a ray at angle `beta` from the beginning of an arc of π + 2·`delta`, at fan angle `alpha` (positive
/// against the direction of growing β); a ray and its conjugate sum to 1.
fn parker(beta: f64, alpha: f64, delta: f64) -> f64 {
    let rise = 2.0 * (delta - alpha);
    let fall = PI - 2.0 * alpha;
    let end = PI + 2.0 * delta;
    if beta < 0.0 || beta > end {
        0.0
    } else if beta < rise {
        (PI * beta / (2.0 * rise)).sin().powi(2)
    } else if beta <= fall {
        1.0
    } else {
        (PI * (end - beta) / (4.0 * (delta + alpha))).sin().powi(2)
    }
}

/// Weight of a ray at `position_mm` from the central ray towards the long side of a displaced detector whose short side
/// reaches to `short_mm`; `angle` is the fan angle of a position. A ray and its conjugate sum to 1.
fn wang(position_mm: f64, short_mm: f64, angle: impl Fn(f64) -> f64) -> f64 {
    if position_mm >= short_mm {
        1.0
    } else if position_mm <= -short_mm {
        0.0
    } else {
        0.5 * (1.0 + (FRAC_PI_2 * angle(position_mm) / angle(short_mm)).sin())
    }
}

/// How far a detector reaches to either side of the central ray, in mm.
#[derive(Clone, Copy)]
struct Sides {
    long_mm: f64,
    /// Below zero where the detector ends before the central ray.
    short_mm: f64,
    /// 1 where the long side is the one of growing β, or else −1.
    direction: f64,
}

impl Sides {
    fn of(orbit: &Orbit) -> Self {
        let [a, b] = orbit.span_mm;
        let (against, along) = (-a.min(b), a.max(b));
        if along >= against {
            Self { long_mm: along, short_mm: against, direction: 1.0 }
        } else {
            Self { long_mm: against, short_mm: along, direction: -1.0 }
        }
    }

    /// By how much the sides differ, as a share of the detector's width.
    fn difference(self) -> f64 {
        (self.long_mm - self.short_mm) / (self.long_mm + self.short_mm)
    }
}

/// Columns to put before the first measured one and behind the last.
///
/// That is `margin` at both ends, but for the short side of a displaced detector: there rows go on until they reach as
/// far as the long side. Rays are missing there, not zero: what the ramp spreads to these columns belongs to the
/// voxels behind them. Their own weight is zero.
pub(super) fn margins(orbit: &Orbit, measured: usize, pitch_mm: f64, margin: usize) -> [usize; 2] {
    if !matches!(Redundancy::of(orbit), Redundancy::Displaced | Redundancy::DisplacedShort { .. }) {
        return [margin; 2];
    }
    let sides = Sides::of(orbit);
    // A detector that ends before the central ray measures no lines near it; more than its width does not help.
    let missing = ((sides.long_mm - sides.short_mm) / pitch_mm).ceil().min(measured as f64) as usize;
    let [first, last] = orbit.span_mm.map(|position| sides.direction * position);
    if first <= last { [missing, margin] } else { [margin, missing] }
}

/// Weight of every view and filter column: redundancy, angular step and scale, for [`crate::kernels::fdk::weight`].
///
/// The step Δβ is what the source turns as seen from the axis. Detectors may be tilted, stand still, or look at the
/// axis from above or below:
///
/// ```text
/// w(k, i) = r(k, i) · Δβ_k · SID_k · d_k / (D_k² · cos τ_k)
/// ```
/// with SID the distance of the source from the axis, d and D those from the source to the detector's plane and to the
/// world's origin along the detector's normal, and τ the angle between the ramp and the source's way. D²/d takes back
/// what pre-weighting and back-projection put in for this normal, SID/cos τ is the fan beam's own. Where the central
/// ray meets the detector at an angle γ within the plane of the source, as on one that stands still, D = SID·cos γ and
/// τ = γ: w is SDD/SID over cos²γ.
///
/// In a margin the weight of the outermost measured column fades out: n columns beyond it, by cos²(π/2·n/(margin + 1)).
pub(super) fn weights(orbit: &Orbit, geometry: &Geometry, measured: usize, margins: [usize; 2]) -> Vec<f32> {
    let redundancy = Redundancy::of(orbit);
    let begin = orbit.angles_rad.iter().copied().fold(f64::INFINITY, f64::min);
    let [before, behind] = margins;
    let columns = before + measured + behind;
    let mut table = Vec::with_capacity(geometry.views().len() * columns);
    for ((view, angle), step) in geometry.views().iter().zip(&orbit.angles_rad).zip(&orbit.weights_rad) {
        let scale = step * tilt_and_magnification(orbit, view);
        for column in 0..columns {
            let inner = column.clamp(before, before + measured - 1);
            let margin = if column < inner { before } else { behind };
            let beyond = column.abs_diff(inner) as f64 / (margin + 1) as f64;
            let fade = (FRAC_PI_2 * beyond).cos().powi(2);
            let share = (inner - before) as f64 / (measured as f64 - 1.0).max(1.0);
            table.push((scale * fade * repeated(redundancy, orbit, angle - begin, share)) as f32);
        }
    }
    table
}

/// Weight of a ray at `angle` from the beginning of the arc, at `share` of the way across the detector.
fn repeated(redundancy: Redundancy, orbit: &Orbit, angle: f64, share: f64) -> f64 {
    let [first, last] = orbit.span_mm;
    let position_mm = first + share * (last - first);
    match redundancy {
        Redundancy::FullCircle | Redundancy::Helix => 0.5,
        Redundancy::HalfTurn => 1.0,
        Redundancy::ShortScan => parker(angle, -angle_rad(orbit, position_mm), (orbit.arc_rad - PI) / 2.0),
        Redundancy::Displaced => near_edge(orbit, position_mm),
        Redundancy::LimitedArc => shared(orbit, angle, position_mm, |_| 1.0),
        Redundancy::DisplacedShort { .. } => {
            shared(orbit, angle, position_mm, |position_mm| near_edge(orbit, position_mm))
        }
    }
}

/// [`wang`]'s weight of a detector position, whichever its long side is.
fn near_edge(orbit: &Orbit, position_mm: f64) -> f64 {
    let Sides { short_mm, direction, .. } = Sides::of(orbit);
    match orbit.trajectory {
        // Parallel rays have positions for fan angles.
        Trajectory::Parallel => wang(direction * position_mm, short_mm, |position_mm| position_mm),
        Trajectory::Circle { .. } | Trajectory::Helix { .. } | Trajectory::Line { .. } => {
            wang(direction * position_mm, short_mm, |position_mm| angle_rad(orbit, position_mm))
        }
    }
}

/// Share of a ray in its line, c/(c + c′), with c′ of the conjugate ray, or 0 where that is not measured; c falls to 0
/// towards the ends of the arc and is `edge` across the detector (after Noo et al.).
fn shared(orbit: &Orbit, angle: f64, position_mm: f64, edge: impl Fn(f64) -> f64) -> f64 {
    if closes_after_half(orbit) {
        return 1.0;
    }
    let arc = orbit.arc_rad;
    let weight = |angle: f64, position_mm: f64| {
        let fade = (angle.min(arc - angle) / FADE_RAD).clamp(LEAST_SHARE, 1.0);
        edge(position_mm) * (FRAC_PI_2 * fade).sin().powi(2)
    };
    let [first, last] = orbit.span_mm;
    let is_on_detector = (first.min(last)..=first.max(last)).contains(&-position_mm);
    let opposite = angle - 2.0 * angle_rad(orbit, position_mm);
    let conjugate = [opposite + PI, opposite - PI].into_iter().find(|angle| (0.0..=arc).contains(angle));
    let conjugate = conjugate.filter(|_| is_on_detector).map_or(0.0, |angle| weight(angle, -position_mm));
    let own = weight(angle, position_mm);
    if own > 0.0 { own / (own + conjugate) } else { 0.0 }
}

/// Least part of [`FADE_RAD`], so that a ray at the end of the arc that alone measures its line keeps it.
const LEAST_SHARE: f64 = 1e-3;

fn tilt_and_magnification(orbit: &Orbit, view: &View) -> f64 {
    match view.source {
        Source::Direction(_) => 1.0,
        Source::Point(source) => {
            let arm = source.reject_from_normalized(orbit.axis);
            let way = orbit.axis.cross(arm).normalize();
            let normal = view.u_step.cross(view.v_step).normalize();
            let detector_depth = (view.detector_centre - source).dot(normal).abs();
            let origin_depth = source.dot(normal);
            let cos_tilt = view.step(orbit.filter).normalize().dot(way).abs();
            arm.length() * detector_depth / (origin_depth * origin_depth * cos_tilt)
        }
    }
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;
    use crate::geometry::{ConeCircular, Scan};

    #[test]
    fn conjugate_rays_sum_to_one() {
        for delta in [0.1, 0.3] {
            for a in -10..=10 {
                let alpha = delta * f64::from(a) / 10.0 * 0.999;
                for b in 0..=100 {
                    let beta = (PI + 2.0 * delta) * f64::from(b) / 100.0;
                    let conjugate = beta + PI + 2.0 * alpha;
                    let sum = if conjugate <= PI + 2.0 * delta {
                        parker(beta, alpha, delta) + parker(conjugate, -alpha, delta)
                    } else if beta - PI + 2.0 * alpha >= 0.0 {
                        parker(beta, alpha, delta) + parker(beta - PI + 2.0 * alpha, -alpha, delta)
                    } else {
                        parker(beta, alpha, delta)
                    };
                    assert!((sum - 1.0).abs() < 1e-12, "alpha {alpha} beta {beta}: {sum}");
                }
            }
        }
    }
    fn cone(start_deg: f64, arc_deg: f64, offset_mm: f64) -> ConeCircular {
        ConeCircular {
            source_isocentre_mm: 1000.0,
            source_detector_mm: 1500.0,
            views: 120,
            start_deg,
            arc_deg,
            angles_deg: Vec::new(),
            detector: [101, 3],
            pitch_mm: [2.0, 2.0],
            offset_mm: [offset_mm, 0.0],
            tilt_deg: [0.0; 3],
        }
    }

    /// Weights of explicit views, as they are and changed: one row of 101 columns per view.
    fn explicit(scan: ConeCircular, change: impl Fn(&View) -> View) -> Vec<Vec<f32>> {
        let views = scan.build().unwrap().views().iter().map(change).collect();
        let geometry = Geometry::new([101, 3], views).unwrap();
        let orbit = Orbit::of(&geometry).unwrap();
        weights(&orbit, &geometry, 101, [0, 0]).chunks(101).map(<[f32]>::to_vec).collect()
    }

    fn assert_same(got: &[Vec<f32>], want: &[Vec<f32>]) {
        for (k, (got, want)) in got.iter().zip(want).enumerate() {
            for (i, (got, want)) in got.iter().zip(want).enumerate() {
                assert!((got - want).abs() <= 1e-7, "view {k}, column {i}: {got}, want {want}");
            }
        }
    }

    #[test]
    fn a_ray_weighs_the_same_whichever_way_columns_run_and_the_source_turns() {
        for (arc_deg, offset_mm) in [(210.0, 0.0), (210.0, 20.0), (360.0, 60.0)] {
            let plain = explicit(cone(10.0, arc_deg, offset_mm), |v| *v);
            let mut flipped = explicit(cone(10.0, arc_deg, offset_mm), |v| View { u_step: -v.u_step, ..*v });
            flipped.iter_mut().for_each(|row| row.reverse());
            assert_same(&flipped, &plain);
            // The control: rows that are not turned back differ.
            flipped[3].reverse();
            assert!(flipped[3].iter().zip(&plain[3]).any(|(a, b)| (a - b).abs() > 1e-3));
        }
        let plain = explicit(cone(10.0, 210.0, 20.0), |v| *v);
        let mut clockwise = explicit(cone(220.0, -210.0, 20.0), |v| *v);
        clockwise.reverse();
        assert_same(&clockwise, &plain);
    }

    #[test]
    fn the_height_of_a_circle_does_not_change_its_scale() {
        let lift = 400.0 * DVec3::Z;
        let lifted = |view: &View| {
            let Source::Point(source) = view.source else { return *view };
            View { source: Source::Point(source + lift), detector_centre: view.detector_centre + lift, ..*view }
        };
        let plain = explicit(cone(0.0, 360.0, 0.0), |v| *v);
        assert!((f64::from(plain[0][50]) - 0.5 * 1.5 * PI / 60.0).abs() < 1e-7);
        assert_same(&explicit(cone(0.0, 360.0, 0.0), lifted), &plain);
    }

    #[test]
    fn conjugate_rays_of_a_displaced_detector_sum_to_one() {
        let fan = |position: f64| (position / 1500.0).atan();
        for short in [1.0, 40.0, 130.0] {
            for s in -150..=150 {
                let s = f64::from(s);
                let sum = wang(s, short, fan) + wang(-s, short, fan);
                assert!((sum - 1.0).abs() < 1e-12, "position {s}, short side {short}: {sum}");
            }
            // No step at either edge of the overlap.
            assert!(wang(-short + 1e-3, short, fan) < 1e-5 && wang(short - 1e-3, short, fan) > 1.0 - 1e-5);
        }
        assert_eq!(wang(3.0, -2.0, fan), 1.0, "no overlap");
    }

    #[test]
    fn a_displaced_detector_is_widened_to_symmetry_on_its_short_side() {
        let orbit = |scan: ConeCircular| Scan::from(scan).orbit().unwrap();
        let displaced = orbit(cone(0.0, 360.0, 60.0));
        assert_eq!(Redundancy::of(&displaced), Redundancy::Displaced);
        assert_eq!(margins(&displaced, 101, 2.0, 7), [60, 7]);
        assert_eq!(margins(&orbit(cone(0.0, 360.0, -60.0)), 101, 2.0, 7), [7, 60]);
        let geometry = cone(0.0, 360.0, 60.0).build().unwrap();
        let table = weights(&displaced, &geometry, 101, [60, 7]);
        assert!(table[..60].iter().all(|w| *w == 0.0), "the missing columns weigh nothing");
        assert_eq!(Redundancy::of(&orbit(cone(0.0, 360.0, 9.0))), Redundancy::FullCircle);
        assert_eq!(margins(&orbit(cone(0.0, 360.0, 9.0)), 101, 2.0, 7), [7, 7]);
    }
}
