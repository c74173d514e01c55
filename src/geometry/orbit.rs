use glam::DVec3;

use super::angles::{angles_deg, is_full_circle, parallel_weights_rad, shares, weights_rad};
use super::{ConeCircular, Fan, Geometry, GeometryError, Parallel, Scan, Travel};

/// The way of the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trajectory {
    /// A focal spot on a circle about the axis.
    Circle {
        /// Source to isocentre (SID), in millimetres.
        sid_mm: f64,
        /// Source to detector along the central ray (SDD), in millimetres.
        ///
        /// Where the detector stands still, that is at the centre of the sweep.
        sdd_mm: f64,
    },
    /// A focal spot on a helix about the axis.
    Helix {
        /// Source to axis (SID), in millimetres.
        sid_mm: f64,
        /// Source to detector along the central ray (SDD), in millimetres.
        sdd_mm: f64,
        /// Advance along the axis per turn of growing β, in millimetres.
        advance_mm: f64,
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

/// What an analytic reconstruction needs beside the views: angle and weight of each.
///
/// β grows counter-clockwise about `axis`. The weights are half the gaps to both neighbours: they sum to 2π on a full
/// circle and to `arc_rad` on a shorter one. On a line of depth D = SID, with source positions s and their shares Δs,
///
/// ```text
/// β = atan(s/D)    Δβ = cos²β·Δs/D
/// ```
///
/// whose sum approaches the sweep as views are added. A half turn of parallel views closes on itself after π. Redundancy (Parker, Wang) is not part of these weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Orbit {
    /// The way of the source.
    pub trajectory: Trajectory,
    /// Unit vector of the rotation axis, which passes through the isocentre.
    ///
    /// It is +z for every scan but tomosynthesis.
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
    /// Centres of the first and the last pixel along `filter`, in millimetres from the central ray.
    ///
    /// Positive in the direction of growing β: where the pixels run against it, the first is larger than the last. A
    /// displaced detector has ends of unequal size.
    pub span_mm: [f64; 2],
}

impl Orbit {
    /// Angles of the first and the last ray from the central ray, positive in the direction of growing β.
    #[must_use]
    pub fn fan_rad(&self) -> [f64; 2] {
        match self.trajectory {
            Trajectory::Circle { sdd_mm, .. } | Trajectory::Helix { sdd_mm, .. } | Trajectory::Line { sdd_mm, .. } => {
                self.span_mm.map(|s| (s / sdd_mm).atan())
            }
            Trajectory::Parallel => [0.0; 2],
        }
    }
}

impl Scan {
    /// Angles and weights for an analytic reconstruction.
    ///
    /// # Errors
    /// What [`Scan::build`] refuses, and [`GeometryError::NoOrbit`] for a radiograph, or explicit views off a circle.
    pub fn orbit(&self) -> Result<Orbit, GeometryError> {
        let geometry = self.build()?;
        let cone = |scan: &ConeCircular| {
            let trajectory = Trajectory::Circle { sid_mm: scan.source_isocentre_mm, sdd_mm: scan.source_detector_mm };
            turning(trajectory, &geometry, scan.start_deg, scan.arc_deg, scan.offset_mm)
        };
        match self {
            Self::ConeCircular(scan) if scan.tilt_deg != [0.0; 3] || !scan.angles_deg.is_empty() => {
                Orbit::of(&geometry)
            }
            Self::Fan(Fan { angles_deg, .. }) | Self::Parallel(Parallel { angles_deg, .. })
                if !angles_deg.is_empty() =>
            {
                Orbit::of(&geometry)
            }
            Self::ConeCircular(scan) => Ok(cone(scan)),
            Self::Fan(scan) => Ok(cone(&scan.cone())),
            Self::Parallel(scan) => {
                Ok(turning(Trajectory::Parallel, &geometry, scan.start_deg, scan.arc_deg, scan.offset_mm))
            }
            Self::TomosynthesisArc(scan) => {
                let angles_rad: Vec<f64> = scan.angles_deg().map(f64::to_radians).collect();
                let arc_rad = scan.sweep_deg.to_radians();
                let trajectory =
                    Trajectory::Circle { sid_mm: scan.source_isocentre_mm, sdd_mm: scan.source_detector_mm };
                let weights_rad = weights_rad(&angles_rad, arc_rad, false);
                Ok(sweeping(trajectory, &geometry, scan.travel, scan.offset_mm, angles_rad, weights_rad, arc_rad))
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
                let trajectory = Trajectory::Line { sid_mm: depth, sdd_mm: scan.source_detector_mm };
                Ok(sweeping(trajectory, &geometry, scan.travel, scan.offset_mm, angles_rad, weights_rad, arc_rad))
            }
            Self::Vectors(_) => Orbit::of(&geometry),
            Self::Helical(scan) => {
                let angles_rad: Vec<f64> = scan.angles_deg().map(f64::to_radians).collect();
                let arc_rad = scan.arc_deg.abs().to_radians();
                Ok(Orbit {
                    trajectory: Trajectory::Helix {
                        sid_mm: scan.source_isocentre_mm,
                        sdd_mm: scan.source_detector_mm,
                        advance_mm: scan.advance_mm,
                    },
                    axis: DVec3::Z,
                    filter: DetectorAxis::U,
                    weights_rad: weights_rad(&angles_rad, arc_rad, false),
                    angles_rad,
                    arc_rad,
                    full_circle: false,
                    span_mm: span_mm(&geometry, DetectorAxis::U, scan.offset_mm),
                })
            }
            Self::Radiograph(_) => Err(no_orbit("a radiograph is a single view")),
        }
    }
}

fn turning(trajectory: Trajectory, geometry: &Geometry, start_deg: f64, arc_deg: f64, offset_mm: [f64; 2]) -> Orbit {
    let angles_rad: Vec<f64> = angles_deg(start_deg, arc_deg, geometry.views().len()).map(f64::to_radians).collect();
    let full_circle = is_full_circle(arc_deg);
    let arc_rad = arc_deg.abs().to_radians();
    let (weights_rad, arc_rad) = match trajectory {
        Trajectory::Parallel => parallel_weights_rad(&angles_rad, arc_rad, full_circle),
        Trajectory::Circle { .. } | Trajectory::Helix { .. } | Trajectory::Line { .. } => {
            (weights_rad(&angles_rad, arc_rad, full_circle), arc_rad)
        }
    };
    Orbit {
        trajectory,
        axis: DVec3::Z,
        filter: DetectorAxis::U,
        weights_rad,
        angles_rad,
        arc_rad,
        full_circle,
        span_mm: span_mm(geometry, DetectorAxis::U, offset_mm),
    }
}

fn sweeping(
    trajectory: Trajectory,
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
    Orbit { trajectory, axis: travel.axis(), filter, angles_rad, weights_rad, arc_rad, full_circle: false, span_mm }
}

fn span_mm(geometry: &Geometry, filter: DetectorAxis, offset_mm: [f64; 2]) -> [f64; 2] {
    let i = filter as usize;
    let half = (geometry.detector()[i] as f64 - 1.0) / 2.0 * geometry.pitch_mm()[i];
    [offset_mm[i] - half, offset_mm[i] + half]
}

pub(super) fn no_orbit(reason: impl Into<String>) -> GeometryError {
    GeometryError::NoOrbit { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{PI, TAU};

    use proptest::prelude::*;

    use super::*;
    use crate::geometry::{Source, TomosynthesisArc, TomosynthesisLinear};

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
        assert_eq!(orbit.trajectory, Trajectory::Circle { sid_mm: 1000.0, sdd_mm: 1500.0 });
        assert_eq!(orbit.span_mm, [-70.0, 130.0]);
        assert!((orbit.fan_rad()[1] - (130.0_f64 / 1500.0).atan()).abs() < 1e-15);
    }

    #[test]
    fn half_a_turn_of_parallel_rays_weighs_pi() {
        let scan = Parallel {
            views: 91,
            start_deg: 0.0,
            arc_deg: 180.0,
            angles_deg: Vec::new(),
            detector: [8, 1],
            pitch_mm: [1.0, 1.0],
            offset_mm: [0.0, 0.0],
        };
        let orbit = Scan::from(scan.clone()).orbit().unwrap();
        assert!((sum(&orbit) - PI).abs() < 1e-12);
        let derived = Orbit::of(&scan.build().unwrap()).unwrap();
        assert_eq!((derived.trajectory, derived.full_circle), (Trajectory::Parallel, false));
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
                let Source::Point(source) = view.source else { panic!("parallel") };
                assert!(source.distance(turned) < 1e-9);
            }
        }
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
