//! Orbits of explicit views that happen to stand on a circle.

use std::f64::consts::TAU;

use glam::DVec3;

use super::angles::{parallel_weights_rad, weights_rad};
use super::orbit::no_orbit;
use super::{DetectorAxis, Geometry, GeometryError, Orbit, Source, Trajectory, View};

/// Deviation from a circle that explicit views may have, as a share of the radius: the wobble of a calibrated C-arm.
const CIRCLE_TOLERANCE: f64 = 1e-3;
/// Smallest |cosine| between a detector axis and the source's way, and between a detector's normal and the central ray: 5°, beyond which a ramp
/// along pixels is wrong.
const ALIGNED: f64 = 0.996;
/// Largest gap of a full circle in units of the median gap. Golden-angle scans reach φ² = 2.62.
const CLOSED_GAP: f64 = 3.0;

impl Orbit {
    /// The orbit of explicit views whose sources stand on a circle about the z axis.
    ///
    /// # Errors
    /// [`GeometryError::NoOrbit`] saying which view leaves the circle, and by how much.
    pub fn of(geometry: &Geometry) -> Result<Self, GeometryError> {
        let views = geometry.views();
        if views.len() < 2 {
            return Err(no_orbit("there is only one view"));
        }
        let sid_mm = radius_mm(views)?;
        let (angles_rad, arc_rad, full_circle) = unwrapped(views);
        check_facing(views, &angles_rad)?;
        let filter = filter_axis(views, &angles_rad)?;
        let (sdd_mm, span_mm) = reach(geometry, &angles_rad, filter)?;
        let (trajectory, (weights_rad, arc_rad)) = match views[0].source {
            Source::Point(_) => {
                let weights_rad = weights_rad(&angles_rad, arc_rad, full_circle);
                (Trajectory::Circle { sid_mm, sdd_mm }, (weights_rad, arc_rad))
            }
            Source::Direction(_) => (Trajectory::Parallel, parallel_weights_rad(&angles_rad, arc_rad, full_circle)),
        };
        Ok(Self { trajectory, axis: DVec3::Z, filter, angles_rad, weights_rad, arc_rad, full_circle, span_mm })
    }
}

/// From the isocentre to the source; a unit vector for parallel rays.
fn towards_source(view: &View) -> DVec3 {
    match view.source {
        Source::Point(source) => source,
        Source::Direction(direction) => -direction,
    }
}

/// Mean radius of a circle about the z axis on which all sources stand.
fn radius_mm(views: &[View]) -> Result<f64, GeometryError> {
    let mean = |f: fn(DVec3) -> f64| views.iter().map(|v| f(towards_source(v))).sum::<f64>() / views.len() as f64;
    let (radius, height) = (mean(|s| s.truncate().length()), mean(|s| s.z));
    let first_is_point = matches!(views[0].source, Source::Point(_));
    for (k, view) in views.iter().enumerate() {
        if matches!(view.source, Source::Point(_)) != first_is_point {
            return Err(no_orbit(format!("view {k} mixes parallel rays with focal spots")));
        }
        let source = towards_source(view);
        let (r, z) = (source.truncate().length(), source.z);
        if (r - radius).abs() > CIRCLE_TOLERANCE * radius {
            return Err(no_orbit(format!("view {k} is {r:.3} mm from the z axis, the mean is {radius:.3} mm")));
        }
        if (z - height).abs() > CIRCLE_TOLERANCE * radius {
            return Err(no_orbit(format!("view {k} is at z = {z:.3} mm, the mean is {height:.3} mm")));
        }
    }
    Ok(radius)
}

/// Angles counted from behind the largest gap, the arc they cover, and whether it closes on itself.
fn unwrapped(views: &[View]) -> (Vec<f64>, f64, bool) {
    let mut angles: Vec<f64> = (views.iter().map(towards_source)).map(|s| s.x.atan2(-s.y)).collect();
    let mut sorted = angles.clone();
    sorted.sort_by(f64::total_cmp);
    let next = sorted.iter().skip(1).copied().chain([sorted[0] + TAU]);
    // The widest gap, and the angle at which the views resume after it.
    let gaps: Vec<(f64, f64)> = sorted.iter().zip(next).map(|(&a, b)| (b - a, b)).collect();
    let mut widths: Vec<f64> = gaps.iter().map(|g| g.0).collect();
    widths.sort_by(f64::total_cmp);
    let median = widths[(widths.len() - 1) / 2];
    let (widest, resume) = gaps.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((TAU, 0.0));
    if views.len() > 2 && widest <= CLOSED_GAP * median {
        return (angles, TAU, true);
    }
    let first = if resume >= sorted[0] + TAU { resume - TAU } else { resume };
    for angle in &mut angles {
        if *angle < first {
            *angle += TAU;
        }
    }
    (angles, TAU - widest, false)
}

/// Refuses detectors that do not face the source.
fn check_facing(views: &[View], angles_rad: &[f64]) -> Result<(), GeometryError> {
    for (k, (view, &angle)) in views.iter().zip(angles_rad).enumerate() {
        let central = DVec3::Z.cross(way(angle));
        // Of a source above or below the origin, either direction will do: weights are by the normal.
        let normal = view.u_step.cross(view.v_step).normalize();
        let facing = normal.dot(central).abs().max(normal.dot(towards_source(view).normalize()).abs());
        if facing < ALIGNED {
            let tilt_deg = facing.acos().to_degrees();
            return Err(no_orbit(format!(
                "the detector of view {k} is tilted by {tilt_deg:.1}° against the central ray, at most 5° can be; iterative methods take \
                 any tilt"
            )));
        }
    }
    Ok(())
}

/// The detector axis along which the source travels, in every view the same and in the same direction.
fn filter_axis(views: &[View], angles_rad: &[f64]) -> Result<DetectorAxis, GeometryError> {
    let cosines = |axis: DetectorAxis| -> Vec<f64> {
        views.iter().zip(angles_rad).map(|(v, &a)| v.step(axis).normalize().dot(way(a))).collect()
    };
    let crossed = |cosines: &[f64]| cosines.iter().position(|c| c.abs() < ALIGNED);
    let (u, v) = (cosines(DetectorAxis::U), cosines(DetectorAxis::V));
    let (axis, cosines) = match (crossed(&u), crossed(&v)) {
        (None, _) => (DetectorAxis::U, u),
        (_, None) => (DetectorAxis::V, v),
        (Some(k), _) => {
            return Err(no_orbit(format!("in view {k} neither detector axis lies along the source's way")));
        }
    };
    match cosines.iter().position(|c| c.signum() != cosines[0].signum()) {
        Some(k) => Err(no_orbit(format!("the detector of view {k} is turned over against that of view 0"))),
        None => Ok(axis),
    }
}

/// Unit vector in which the source moves at angle β about z.
fn way(angle_rad: f64) -> DVec3 {
    DVec3::new(angle_rad.cos(), angle_rad.sin(), 0.0)
}

/// Mean SDD along the central ray, and the outermost centres that the first and the last pixel reach in any view.
fn reach(geometry: &Geometry, angles_rad: &[f64], filter: DetectorAxis) -> Result<(f64, [f64; 2]), GeometryError> {
    let (mut sdd_sum, mut span) = (0.0, [f64::INFINITY, f64::NEG_INFINITY]);
    // Positions are taken along the pixels; their direction is the same in all views.
    let direction = geometry.views()[0].step(filter).dot(way(angles_rad[0])).signum();
    for (k, (view, &angle)) in geometry.views().iter().zip(angles_rad).enumerate() {
        let way = way(angle);
        let central = DVec3::Z.cross(way);
        let normal = view.u_step.cross(view.v_step);
        let start = match view.source {
            Source::Point(source) => source,
            Source::Direction(_) => DVec3::ZERO,
        };
        let along = normal.dot(view.detector_centre - start) / normal.dot(central);
        let behind = matches!(view.source, Source::Point(_)) && along <= 0.0;
        if !along.is_finite() || behind {
            return Err(no_orbit(format!("the central ray of view {k} never meets the detector")));
        }
        sdd_sum += along;
        let foot = start + along * central;
        let half = (geometry.detector()[filter as usize] as f64 - 1.0) / 2.0 * view.step(filter);
        let position = |end: DVec3| direction * (end - foot).dot(way);
        span[0] = span[0].min(position(view.detector_centre - half));
        span[1] = span[1].max(position(view.detector_centre + half));
    }
    Ok((sdd_sum / geometry.views().len() as f64, span.map(|position| direction * position)))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::geometry::{ConeCircular, Parallel, Scan, Vectors};

    fn cone(start_deg: f64, arc_deg: f64, views: usize) -> ConeCircular {
        ConeCircular {
            source_isocentre_mm: 1000.0,
            source_detector_mm: 1500.0,
            views,
            start_deg,
            arc_deg,
            angles_deg: Vec::new(),
            detector: [101, 3],
            pitch_mm: [2.0, 2.0],
            offset_mm: [30.0, 0.0],
            tilt_deg: [0.0; 3],
        }
    }

    #[test]
    fn explicit_views_give_the_orbit_they_came_from() {
        for (start, arc) in [(0.0, 360.0), (170.0, 210.0), (-20.0, -200.0)] {
            let scan = cone(start, arc, 120);
            let named = Scan::from(scan.clone()).orbit().unwrap();
            let derived = Scan::from(Vectors::from(&scan.build().unwrap())).orbit().unwrap();
            assert_eq!((derived.full_circle, derived.filter), (named.full_circle, named.filter));
            assert!((derived.arc_rad - named.arc_rad).abs() < 1e-9);
            let Trajectory::Circle { sid_mm, sdd_mm } = derived.trajectory else { panic!("not a circle") };
            assert!((sid_mm - 1000.0).abs() < 1e-9 && (sdd_mm - 1500.0).abs() < 1e-9);
            for k in 0..120 {
                assert!((derived.weights_rad[k] - named.weights_rad[k]).abs() < 1e-9, "weight {k}");
                let turns = (derived.angles_rad[k] - named.angles_rad[k]) / TAU;
                assert!((turns - turns.round()).abs() < 1e-9, "angle {k}");
            }
            assert!((derived.span_mm[0] + 70.0).abs() < 1e-9 && (derived.span_mm[1] - 130.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_span_runs_from_the_first_column_to_the_last_whatever_their_direction() {
        let geometry = cone(0.0, 210.0, 120).build().unwrap();
        let flipped: Vec<View> = (geometry.views().iter()).map(|v| View { u_step: -v.u_step, ..*v }).collect();
        let span = |views: &[View]| Orbit::of(&Geometry::new([101, 3], views.to_vec()).unwrap()).map(|o| o.span_mm);
        let [first, last] = span(&flipped).unwrap();
        assert!((first - 130.0).abs() < 1e-9 && (last + 70.0).abs() < 1e-9, "{first} to {last}");
        let mut mixed = geometry.views().to_vec();
        mixed[5] = flipped[5];
        let error = span(&mixed).unwrap_err().to_string();
        assert!(error.contains("the detector of view 5 is turned over against that of view 0"), "{error}");
    }

    #[test]
    fn a_half_turn_of_explicit_parallel_views_needs_no_end_point() {
        let half_turn = |arc_deg: f64, views: usize| Parallel {
            views,
            start_deg: 20.0,
            arc_deg,
            angles_deg: Vec::new(),
            detector: [8, 1],
            pitch_mm: [1.0, 1.0],
            offset_mm: [0.0, 0.0],
        };
        for scan in [half_turn(180.0, 91), half_turn(178.0, 90), half_turn(-178.0, 90)] {
            for orbit in [Orbit::of(&scan.build().unwrap()).unwrap(), Scan::from(scan).orbit().unwrap()] {
                assert_eq!((orbit.arc_rad, orbit.full_circle), (PI, false));
                assert!((orbit.weights_rad.iter().sum::<f64>() - PI).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn detectors_tilted_beyond_five_degrees_are_refused_with_the_reason() {
        let orbit = |tilt_deg: [f64; 3]| Scan::from(ConeCircular { tilt_deg, ..cone(0.0, 360.0, 8) }).orbit();
        let upright = orbit([0.0; 3]).unwrap();
        for tilt_deg in [[5.0, 0.0, 0.0], [0.0, -5.0, 0.0], [3.0, 3.0, 2.0]] {
            let tilted = orbit(tilt_deg).unwrap();
            assert_eq!((tilted.full_circle, tilted.filter), (true, DetectorAxis::U));
            assert!(tilted.weights_rad.iter().zip(&upright.weights_rad).all(|(a, b)| (a - b).abs() < 1e-9));
        }
        let message = |tilt_deg| orbit(tilt_deg).unwrap_err().to_string();
        let expected =
            "no circular orbit: the detector of view 0 is tilted by 5.4° against the central ray, at most 5° can be";
        assert!(message([0.0, 5.4, 0.0]).starts_with(expected), "{}", message([0.0, 5.4, 0.0]));
        assert!(message([-5.4, 0.0, 0.0]).contains("tilted by 5.4°"));
        assert!(message([0.0, 0.0, 6.0]).contains("neither detector axis lies along the source's way"));
    }

    #[test]
    fn views_off_a_circle_are_refused() {
        let mut views = cone(0.0, 360.0, 8).build().unwrap().views().to_vec();
        views[3].source = Source::Point(DVec3::new(900.0, 0.0, 0.0));
        let error = Orbit::of(&Geometry::new([101, 3], views).unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("no circular orbit: view 0 is 1000.000 mm from the z axis"), "{error}");
        let line = Scan::from_toml(Scan::example("tomosynthesis-linear").unwrap()).unwrap().build().unwrap();
        assert!(Orbit::of(&line).is_err(), "a line is no circle");
    }
}
