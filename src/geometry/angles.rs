//! The angles of a scan and the share of its arc that each view stands for.

use std::f64::consts::{PI, TAU};

use glam::DVec3;

use super::{GeometryError, check};

/// Part of a step by which listed angles may miss equal steps and pass for them.
const UNEVEN: f64 = 0.1;

/// The angles of a scan that turns: equal steps, or as they are listed.
pub(crate) struct Turn<'a> {
    pub(super) views: usize,
    pub(super) start_deg: f64,
    pub(super) arc_deg: f64,
    /// What `arc_deg` is where it is left out.
    pub(super) usual_arc_deg: f64,
    pub(super) listed: &'a [f64],
}

impl Turn<'_> {
    /// The angle of each view.
    pub(super) fn angles_deg(&self) -> Result<Vec<f64>, GeometryError> {
        let Self { views, start_deg, arc_deg, usual_arc_deg, listed } = *self;
        check::count("views", views)?;
        check::finite_deg("start_deg", start_deg)?;
        check::arc_deg(arc_deg, 360.0)?;
        if listed.is_empty() {
            return Ok(angles_deg(start_deg, arc_deg, views).collect());
        }
        let count = listed.len();
        check::value(count == views, "angles", format!("as many as views = {views}"), count.to_string())?;
        let is_plain = start_deg == 0.0 && arc_deg == usual_arc_deg;
        let got = format!("{start_deg}° and {arc_deg}°");
        check::value(is_plain, "start_deg and arc_deg", "left out where angles are listed", got)?;
        listed.iter().try_for_each(|&angle| check::finite_deg("every angle", angle))?;
        Ok(listed.to_vec())
    }

    /// The arc of equal steps that the views make; none where they are listed and make none.
    pub(crate) fn equal_arc_deg(&self) -> Option<f64> {
        let ([first, .., last], steps) = (self.listed, self.listed.len().saturating_sub(1) as f64) else {
            return Some(self.arc_deg);
        };
        let step = (last - first) / steps;
        let is_near = |(k, angle): (usize, &f64)| (angle - first - k as f64 * step).abs() <= UNEVEN * step.abs();
        let is_even = step != 0.0 && self.listed.iter().enumerate().all(is_near);
        // A full circle leaves its end out.
        let closes = ((last - first + step).abs() - 360.0).abs() <= UNEVEN * step.abs();
        is_even.then(|| if closes { 360.0 * step.signum() } else { last - first })
    }
}

/// Whether the arc closes on itself, so that the first view follows the last.
pub(super) fn is_full_circle(arc_deg: f64) -> bool {
    arc_deg.abs() == 360.0
}

/// Angles of `views` views: `start + k·arc/views` on a full circle, `start + k·arc/(views − 1)` on any other arc.
pub(super) fn angles_deg(start_deg: f64, arc_deg: f64, views: usize) -> impl Iterator<Item = f64> {
    let gaps = if is_full_circle(arc_deg) { views } else { (views - 1).max(1) } as f64;
    (0..views).map(move |k| start_deg + k as f64 * arc_deg / gaps)
}

/// Sine and cosine of an angle in degrees, exact at multiples of 90°, so that axis-parallel rays stay parallel.
pub(super) fn sin_cos_deg(angle_deg: f64) -> (f64, f64) {
    match angle_deg.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        reduced => reduced.to_radians().sin_cos(),
    }
}

/// Unit vectors of a gantry at one angle about z: from the isocentre to the source, and along u.
pub(super) fn gantry(angle_deg: f64) -> (DVec3, DVec3) {
    let (sin, cos) = sin_cos_deg(angle_deg);
    (DVec3::new(sin, -cos, 0.0), DVec3::new(cos, sin, 0.0))
}

/// Half of the gaps to both neighbours. On an open arc the first and the last have one neighbour (trapezoid rule);
/// on a full circle the last is followed by the first. The positions may come in any order.
pub(super) fn shares(positions: &[f64], period: Option<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..positions.len()).collect();
    order.sort_by(|&a, &b| positions[a].total_cmp(&positions[b]));
    let mut shares = vec![0.0; positions.len()];
    let mut add = |a: usize, b: usize, gap: f64| {
        shares[a] += gap / 2.0;
        shares[b] += gap / 2.0;
    };
    for pair in order.windows(2) {
        add(pair[0], pair[1], positions[pair[1]] - positions[pair[0]]);
    }
    if let (Some(period), Some(&first), Some(&last)) = (period, order.first(), order.last()) {
        add(last, first, positions[first] + period - positions[last]);
    }
    shares
}

/// Angular weights Δβ in radians of views at `angles_rad`; a single view on an open arc stands for all of `arc_rad`.
pub(super) fn weights_rad(angles_rad: &[f64], arc_rad: f64, full_circle: bool) -> Vec<f64> {
    match angles_rad {
        [_] => vec![arc_rad],
        _ => shares(angles_rad, full_circle.then_some(TAU)),
    }
}

/// Angular weights Δβ of parallel views that turn, and the arc they stand for, in radians.
///
/// Parallel views half a turn apart measure the same lines. A half turn therefore closes on itself after π, whether its
/// end, which repeats the first view, is among the views or left out.
pub(super) fn parallel_weights_rad(angles_rad: &[f64], arc_rad: f64, full_circle: bool) -> (Vec<f64>, f64) {
    if !full_circle && is_half_turn(angles_rad) {
        (shares(angles_rad, Some(PI)), PI)
    } else {
        (weights_rad(angles_rad, arc_rad, full_circle), arc_rad)
    }
}

/// Widest gap between the last view of a half turn and the end of the turn, in units of the widest gap between views:
/// midway between one gap, where nothing is missing, and two, where a view is.
const END_GAP: f64 = 1.5;
/// Arcs this much beyond half a turn, in radians, are rounded ones.
const ROUNDED_RAD: f64 = 1e-9;

fn is_half_turn(angles_rad: &[f64]) -> bool {
    let mut sorted = angles_rad.to_vec();
    sorted.sort_by(f64::total_cmp);
    let widest = sorted.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let [Some(first), Some(last)] = [sorted.first(), sorted.last()] else { return false };
    let end_gap = PI - (last - first);
    (-ROUNDED_RAD..=END_GAP * widest).contains(&end_gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_angles_pass_for_equal_steps_where_they_nearly_are() {
        let arc = |listed: &[f64]| {
            Turn { views: listed.len(), start_deg: 0.0, arc_deg: 180.0, usual_arc_deg: 180.0, listed }.equal_arc_deg()
        };
        assert_eq!(arc(&[]), Some(180.0));
        assert_eq!(arc(&[10.0, 20.2, 29.9, 40.0]), Some(30.0));
        assert_eq!(arc(&[0.0, -120.0, -240.0]), Some(-360.0));
        assert_eq!(arc(&[0.0, 10.0, 30.0]), None);
        assert_eq!(arc(&[7.0, 7.0, 7.0]), None);
    }

    #[test]
    fn a_full_circle_leaves_out_its_end_and_a_short_arc_does_not() {
        assert_eq!(angles_deg(10.0, 360.0, 4).collect::<Vec<_>>(), [10.0, 100.0, 190.0, 280.0]);
        assert_eq!(angles_deg(10.0, -90.0, 4).collect::<Vec<_>>(), [10.0, -20.0, -50.0, -80.0]);
        assert_eq!(angles_deg(10.0, 90.0, 1).collect::<Vec<_>>(), [10.0]);
    }

    #[test]
    fn a_half_turn_weighs_pi_with_and_without_its_end() {
        for (views, gaps) in [(90, 90), (91, 90), (2, 2), (3, 3)] {
            let angles: Vec<f64> = (0..views).map(|k| 0.3 + PI * f64::from(k) / f64::from(gaps)).collect();
            let (weights, arc) = parallel_weights_rad(&angles, angles[views as usize - 1] - angles[0], false);
            assert_eq!(arc, PI, "{views} views");
            assert!((weights.iter().sum::<f64>() - PI).abs() < 1e-12, "{views} views");
        }
    }

    #[test]
    fn a_half_turn_that_misses_a_view_at_its_end_is_a_limited_arc() {
        let angles: Vec<f64> = (0..89).map(|k| PI * f64::from(k) / 90.0).collect();
        let arc = PI * 88.0 / 90.0;
        assert_eq!(parallel_weights_rad(&angles, arc, false).1, arc);
    }

    #[test]
    fn quarter_turns_are_exact() {
        assert_eq!(gantry(0.0), (-DVec3::Y, DVec3::X));
        assert_eq!(gantry(90.0), (DVec3::X, DVec3::Y));
        assert_eq!(gantry(-180.0).0, DVec3::Y);
        assert_eq!(gantry(630.0).0, -DVec3::X);
    }

    #[test]
    fn shares_follow_the_positions_not_their_order() {
        assert_eq!(shares(&[0.0, 1.0, 3.0], None), [0.5, 1.5, 1.0]);
        assert_eq!(shares(&[3.0, 0.0, 1.0], None), [1.0, 0.5, 1.5]);
        assert_eq!(shares(&[0.0, 1.0, 3.0], Some(4.0)), [1.0, 1.5, 1.5]);
    }
}
