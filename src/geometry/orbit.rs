use std::f64::consts::TAU;

use glam::DVec3;

use super::angles::{angles_deg, is_full_circle, shares, weights_rad};
use super::{Geometry, GeometryError, Scan, Source, Travel, View};

/// Deviation from a circle that explicit views may have, as a share of the radius: the wobble of a calibrated C-arm.
const CIRCLE_TOLERANCE: f64 = 1e-3;
/// Smallest |cosine| between a detector axis and the source's way: 5°, beyond which a ramp along pixels is wrong.
const ALIGNED: f64 = 0.996;
/// Largest gap of a full circle in units of the median gap. Golden-angle scans reach φ² = 2.62.
const CLOSED_GAP: f64 = 3.0;

/// The way of the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Path {
    /// A focal spot on a circle about the axis.
    Circle {
        /// Source to isocentre (SID), in millimetres.
        sid_mm: f64,
        /// Source to the detector's plane along the central ray (SDD), in millimetres; at the centre of the sweep
        /// where the detector stands still.
        sdd_mm: f64,
    },
    /// Parallel rays that turn about the axis.
    Parallel,
    /// A focal spot on a straight line perpendicular to the axis.
    Line {
        /// Source line to isocentre, in millimetres.
        sid_mm: f64,
        /// Source line to the detector's plane, in millimetres.
        sdd_mm: f64,
    },
}

/// Direction on the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DetectorAxis {
    /// Along a row, from column to column.
    U,
    /// Along a column, from row to row.
    V,
}

/// What an analytic reconstruction needs to know beside the views: the angle and the weight of each.
///
/// β grows counter-clockwise about `axis`. The weights are half the gaps to both neighbours: they sum to 2π on a full
/// circle and to `arc_rad` on a shorter one. On a line of depth D = SID, with source positions s and their shares Δs,
///
/// ```text
/// β = atan(s/D)    Δβ = cos²β·Δs/D
/// ```
///
/// whose sum approaches the sweep as views are added. Redundancy (Parker, Wang) is not part of these weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Orbit {
    /// The way of the source.
    pub path: Path,
    /// Unit vector of the rotation axis, which passes through the isocentre; +z for every scan but tomosynthesis.
    pub axis: DVec3,
    /// Detector direction in which the source travels, and along which a ramp filter runs.
    pub filter: DetectorAxis,
    /// Angle β of each view, in radians; 0 where the source stands at −y.
    pub angles_rad: Vec<f64>,
    /// Angular weight Δβ of each view, in radians.
    pub weights_rad: Vec<f64>,
    /// Angle covered, in radians; 2π on a full circle.
    pub arc_rad: f64,
    /// Whether the last view is followed by the first.
    pub full_circle: bool,
    /// Centres of the outermost pixels along `filter`, in millimetres from the foot of the central ray, counted in the
    /// direction of growing β. A displaced detector has ends of unequal size.
    pub span_mm: [f64; 2],
}

impl Orbit {
    /// Angles of the outermost rays from the central ray, in radians, in the direction of growing β.
    #[must_use]
    pub fn fan_rad(&self) -> [f64; 2] {
        match self.path {
            Path::Circle { sdd_mm, .. } | Path::Line { sdd_mm, .. } => self.span_mm.map(|s| (s / sdd_mm).atan()),
            Path::Parallel => [0.0; 2],
        }
    }

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
        let filter = filter_axis(views, &angles_rad)?;
        let (sdd_mm, span_mm) = reach(geometry, &angles_rad, filter)?;
        let path = match views[0].source {
            Source::Point(_) => Path::Circle { sid_mm, sdd_mm },
            Source::Direction(_) => Path::Parallel,
        };
        let weights_rad = weights_rad(&angles_rad, arc_rad, full_circle);
        Ok(Self { path, axis: DVec3::Z, filter, angles_rad, weights_rad, arc_rad, full_circle, span_mm })
    }
}

impl Scan {
    /// Angles and weights for an analytic reconstruction.
    ///
    /// # Errors
    /// What [`Scan::build`] refuses, and [`GeometryError::NoOrbit`] for a helix, a radiograph, or views off a circle.
    pub fn orbit(&self) -> Result<Orbit, GeometryError> {
        let geometry = self.build()?;
        let cone = |scan: &super::ConeCircular| {
            let path = Path::Circle { sid_mm: scan.source_isocentre_mm, sdd_mm: scan.source_detector_mm };
            turning(path, &geometry, scan.start_deg, scan.arc_deg, scan.offset_mm)
        };
        match self {
            Self::ConeCircular(scan) => Ok(cone(scan)),
            Self::Fan(scan) => Ok(cone(&scan.cone())),
            Self::Parallel(scan) => {
                Ok(turning(Path::Parallel, &geometry, scan.start_deg, scan.arc_deg, scan.offset_mm))
            }
            Self::TomosynthesisArc(scan) => {
                let angles_rad: Vec<f64> = scan.angles_deg().map(f64::to_radians).collect();
                let arc_rad = scan.sweep_deg.to_radians();
                let path = Path::Circle { sid_mm: scan.source_isocentre_mm, sdd_mm: scan.source_detector_mm };
                let weights_rad = weights_rad(&angles_rad, arc_rad, false);
                Ok(sweeping(path, &geometry, scan.travel, scan.offset_mm, angles_rad, weights_rad, arc_rad))
            }
            Self::TomosynthesisLinear(scan) => {
                let depth = scan.source_isocentre_mm;
                let positions: Vec<f64> = scan.positions_mm().collect();
                let angles_rad: Vec<f64> = positions.iter().map(|s| (s / depth).atan()).collect();
                let arc_rad = scan.sweep_deg.to_radians();
                let weights_rad = match positions.len() {
                    1 => vec![arc_rad],
                    _ => (shares(&positions, None).iter().zip(&angles_rad))
                        .map(|(share, angle)| angle.cos().powi(2) * share / depth)
                        .collect(),
                };
                let path = Path::Line { sid_mm: depth, sdd_mm: scan.source_detector_mm };
                Ok(sweeping(path, &geometry, scan.travel, scan.offset_mm, angles_rad, weights_rad, arc_rad))
            }
            Self::Vectors(_) => Orbit::of(&geometry),
            Self::Helical(_) => Err(no_orbit("a helix leaves the plane of a circle")),
            Self::Radiograph(_) => Err(no_orbit("a radiograph is a single view")),
        }
    }
}

fn turning(path: Path, geometry: &Geometry, start_deg: f64, arc_deg: f64, offset_mm: [f64; 2]) -> Orbit {
    let angles_rad: Vec<f64> = angles_deg(start_deg, arc_deg, geometry.views().len()).map(f64::to_radians).collect();
    let full_circle = is_full_circle(arc_deg);
    let arc_rad = arc_deg.abs().to_radians();
    Orbit {
        path,
        axis: DVec3::Z,
        filter: DetectorAxis::U,
        weights_rad: weights_rad(&angles_rad, arc_rad, full_circle),
        angles_rad,
        arc_rad,
        full_circle,
        span_mm: span_mm(geometry, DetectorAxis::U, offset_mm),
    }
}

fn sweeping(
    path: Path,
    geometry: &Geometry,
    travel: Travel,
    offset_mm: [f64; 2],
    angles_rad: Vec<f64>,
    weights_rad: Vec<f64>,
    arc_rad: f64,
) -> Orbit {
    let filter = match travel {
        Travel::X => DetectorAxis::U,
        Travel::Z => DetectorAxis::V,
    };
    let span_mm = span_mm(geometry, filter, offset_mm);
    Orbit { path, axis: travel.axis(), filter, angles_rad, weights_rad, arc_rad, full_circle: false, span_mm }
}

fn span_mm(geometry: &Geometry, filter: DetectorAxis, offset_mm: [f64; 2]) -> [f64; 2] {
    let i = filter as usize;
    let half = (geometry.detector()[i] as f64 - 1.0) / 2.0 * geometry.pitch_mm()[i];
    [offset_mm[i] - half, offset_mm[i] + half]
}

fn no_orbit(reason: impl Into<String>) -> GeometryError {
    GeometryError::NoOrbit { reason: reason.into() }
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

/// The detector axis along which the source travels, in every view the same.
fn filter_axis(views: &[View], angles_rad: &[f64]) -> Result<DetectorAxis, GeometryError> {
    let aligned = |step: fn(&View) -> DVec3| {
        (views.iter().zip(angles_rad)).position(|(v, &a)| step(v).normalize().dot(way(a)).abs() < ALIGNED)
    };
    match (aligned(|v| v.u_step), aligned(|v| v.v_step)) {
        (None, _) => Ok(DetectorAxis::U),
        (_, None) => Ok(DetectorAxis::V),
        (Some(k), _) => Err(no_orbit(format!("in view {k} neither detector axis lies along the source's way"))),
    }
}

/// Unit vector in which the source moves at angle β about z.
fn way(angle_rad: f64) -> DVec3 {
    DVec3::new(angle_rad.cos(), angle_rad.sin(), 0.0)
}

/// Mean SDD along the central ray, and the outermost pixel centres of all views.
fn reach(geometry: &Geometry, angles_rad: &[f64], filter: DetectorAxis) -> Result<(f64, [f64; 2]), GeometryError> {
    let (mut sdd_sum, mut span) = (0.0, [f64::INFINITY, f64::NEG_INFINITY]);
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
        let step = if filter == DetectorAxis::U { view.u_step } else { view.v_step };
        let half = (geometry.detector()[filter as usize] as f64 - 1.0) / 2.0 * step;
        for end in [view.detector_centre - half, view.detector_centre + half] {
            let position = (end - foot).dot(way);
            span = [span[0].min(position), span[1].max(position)];
        }
    }
    Ok((sdd_sum / geometry.views().len() as f64, span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{ConeCircular, Parallel, TomosynthesisArc, TomosynthesisLinear, Vectors};
    use proptest::prelude::*;
    use std::f64::consts::PI;

    fn cone(start_deg: f64, arc_deg: f64, views: usize) -> ConeCircular {
        ConeCircular {
            source_isocentre_mm: 1000.0,
            source_detector_mm: 1500.0,
            views,
            start_deg,
            arc_deg,
            detector: [101, 3],
            pitch_mm: [2.0, 2.0],
            offset_mm: [30.0, 0.0],
        }
    }

    fn linear(views: usize) -> TomosynthesisLinear {
        TomosynthesisLinear {
            source_isocentre_mm: 1600.0,
            source_detector_mm: 1800.0,
            sweep_deg: 30.0,
            views,
            travel: Travel::Z,
            detector_moves: false,
            detector: [3, 11],
            pitch_mm: [1.0, 1.0],
            offset_mm: [0.0, 0.0],
        }
    }

    fn sum(orbit: &Orbit) -> f64 {
        orbit.weights_rad.iter().sum()
    }

    #[test]
    fn uniform_weights_are_the_arc_divided_by_the_views() {
        let orbit = Scan::from(cone(0.0, 360.0, 180)).orbit().unwrap();
        assert!(orbit.full_circle && orbit.weights_rad.iter().all(|w| (w - TAU / 180.0).abs() < 1e-12));
        let orbit = Scan::from(cone(0.0, 200.0, 201)).orbit().unwrap();
        let step = 1_f64.to_radians();
        assert!((orbit.weights_rad[0] - step / 2.0).abs() < 1e-12 && (orbit.weights_rad[1] - step).abs() < 1e-12);
        assert_eq!(orbit.path, Path::Circle { sid_mm: 1000.0, sdd_mm: 1500.0 });
        assert_eq!(orbit.span_mm, [-70.0, 130.0]);
        assert!((orbit.fan_rad()[1] - (130.0_f64 / 1500.0).atan()).abs() < 1e-15);
    }

    #[test]
    fn half_a_turn_of_parallel_rays_weighs_pi() {
        let scan = Parallel {
            views: 91,
            start_deg: 0.0,
            arc_deg: 180.0,
            detector: [8, 1],
            pitch_mm: [1.0, 1.0],
            offset_mm: [0.0, 0.0],
        };
        let orbit = Scan::from(scan.clone()).orbit().unwrap();
        assert!((sum(&orbit) - PI).abs() < 1e-12);
        let derived = Orbit::of(&scan.build().unwrap()).unwrap();
        assert_eq!((derived.path, derived.full_circle), (Path::Parallel, false));
        assert!((sum(&derived) - PI).abs() < 1e-9);
    }

    #[test]
    fn a_linear_sweep_weighs_its_steps_by_the_squared_cosine() {
        let orbit = Scan::from(linear(61)).orbit().unwrap();
        assert_eq!(orbit.filter, DetectorAxis::V);
        assert_eq!(orbit.axis, DVec3::NEG_X);
        assert!((orbit.angles_rad[60] - 15_f64.to_radians()).abs() < 1e-12);
        let ratio = orbit.weights_rad[59] / orbit.weights_rad[30];
        assert!((ratio - orbit.angles_rad[59].cos().powi(2)).abs() < 1e-12);
        assert!((sum(&orbit) / 30_f64.to_radians() - 1.0).abs() < 1e-4);
        assert!((sum(&Scan::from(linear(1)).orbit().unwrap()) - 30_f64.to_radians()).abs() < 1e-15);
    }

    #[test]
    fn the_axis_turns_the_source_towards_its_travel() {
        for travel in [Travel::X, Travel::Z] {
            let scan = TomosynthesisArc {
                source_isocentre_mm: 600.0,
                source_detector_mm: 650.0,
                sweep_deg: 40.0,
                views: 9,
                travel,
                detector_moves: false,
                detector: [4, 4],
                pitch_mm: [1.0, 1.0],
                offset_mm: [0.0, 0.0],
            };
            let orbit = Scan::from(scan.clone()).orbit().unwrap();
            assert!((sum(&orbit) - 40_f64.to_radians()).abs() < 1e-12);
            for (view, angle) in scan.build().unwrap().views().iter().zip(&orbit.angles_rad) {
                let turned = glam::DQuat::from_axis_angle(orbit.axis, *angle) * DVec3::NEG_Y * 600.0;
                assert!(towards_source(view).distance(turned) < 1e-9);
            }
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
            let Path::Circle { sid_mm, sdd_mm } = derived.path else { panic!("not a circle") };
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
    fn views_off_a_circle_are_refused() {
        let mut views = cone(0.0, 360.0, 8).build().unwrap().views().to_vec();
        views[3].source = Source::Point(DVec3::new(900.0, 0.0, 0.0));
        let error = Orbit::of(&Geometry::new([101, 3], views).unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("no circular orbit: view 0 is 1000.000 mm from the z axis"), "{error}");
        let line = linear(9).build().unwrap();
        assert!(Orbit::of(&line).is_err(), "a line is no circle");
    }

    proptest! {
        #[test]
        fn weights_sum_to_the_arc(start in -400.0..400.0_f64, arc in 1.0..360.0_f64, views in 2_usize..400) {
            let open = Scan::from(cone(start, -arc, views)).orbit().unwrap();
            prop_assert!((sum(&open) - arc.to_radians()).abs() < 1e-9);
            let closed = Scan::from(cone(start, 360.0, views)).orbit().unwrap();
            prop_assert!((sum(&closed) - TAU).abs() < 1e-9);
        }
    }
}
