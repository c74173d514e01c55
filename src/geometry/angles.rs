//! The angles of a scan and the share of its arc that each view stands for.

use std::f64::consts::TAU;

use glam::DVec3;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_circle_leaves_out_its_end_and_a_short_arc_does_not() {
        assert_eq!(angles_deg(10.0, 360.0, 4).collect::<Vec<_>>(), [10.0, 100.0, 190.0, 280.0]);
        assert_eq!(angles_deg(10.0, -90.0, 4).collect::<Vec<_>>(), [10.0, -20.0, -50.0, -80.0]);
        assert_eq!(angles_deg(10.0, 90.0, 1).collect::<Vec<_>>(), [10.0]);
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
