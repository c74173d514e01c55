//! How often a scan measures each line, and the weight that makes up for it.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::geometry::{Geometry, Orbit, Source, Trajectory, View};

/// How the rays of a scan repeat each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Redundancy {
    /// A full circle: every line is measured twice.
    FullCircle,
    /// Half a circle and the fan, or more: lines are measured once or twice; weights after Parker (Med. Phys. 9:254,
    /// 1982) as written by RTK, whose conjugate rays sum to one full weight.
    ShortScan,
    /// Half a turn of parallel beams: every line is measured once.
    HalfTurn,
    /// Less than half a circle and the fan: lines are measured at most once and many are missing. Low frequencies are
    /// lost; values are contrasts, not attenuation coefficients.
    LimitedArc,
}

/// Two arcs this close, in radians, are the same: a thousandth of a degree.
const SAME_ARC_RAD: f64 = 2e-5;

impl Redundancy {
    /// How the rays of `orbit` repeat each other.
    #[must_use]
    pub fn of(orbit: &Orbit) -> Self {
        let [low, high] = orbit.fan_rad();
        let half_fan = low.abs().max(high.abs());
        let is_parallel = orbit.trajectory == Trajectory::Parallel;
        if orbit.full_circle {
            Self::FullCircle
        } else if is_parallel && (orbit.arc_rad - PI).abs() < SAME_ARC_RAD {
            Self::HalfTurn
        } else if orbit.arc_rad + SAME_ARC_RAD >= PI + 2.0 * half_fan {
            Self::ShortScan
        } else {
            Self::LimitedArc
        }
    }

    /// One line about what the redundancy means for the values, if it is anything but plain.
    #[must_use]
    pub fn remark(self) -> Option<&'static str> {
        match self {
            Self::LimitedArc => Some(
                "the arc is shorter than half a circle and the fan: values are contrasts, not attenuation coefficients",
            ),
            Self::FullCircle | Self::ShortScan | Self::HalfTurn => None,
        }
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

/// Weight of every view and filter column: redundancy, angular step and scale, for [`crate::kernels::fdk::weight`].
///
/// The step Δβ is what the source turns as seen from the isocentre. Where the central ray meets the detector at an
/// angle γ, as on a detector that stands still, filtered values are those of a detector tilted by γ:
///
/// ```text
/// w(k, i) = r(k, i) · Δβ_k / cos²γ_k · SDD_k / SID_k
/// ```
/// with SDD and SID taken along the detector's normal; 1/cos²γ is one cosine for the tilt of the ramp and one that the
/// cosine weight of the pre-weighting has put in too many.
///
/// In a margin the weight of the outermost measured column fades out: n columns beyond it, by cos²(π/2·n/(margin + 1)).
pub(super) fn weights(orbit: &Orbit, geometry: &Geometry, measured: usize, margin: usize) -> Vec<f32> {
    let redundancy = Redundancy::of(orbit);
    let begin = orbit.angles_rad.iter().copied().fold(f64::INFINITY, f64::min);
    let columns = measured + 2 * margin;
    let mut table = Vec::with_capacity(geometry.views().len() * columns);
    for ((view, angle), step) in geometry.views().iter().zip(&orbit.angles_rad).zip(&orbit.weights_rad) {
        let scale = step * tilt_and_magnification(view);
        for column in 0..columns {
            let inner = column.clamp(margin, margin + measured - 1);
            let beyond = column.abs_diff(inner) as f64 / (margin + 1) as f64;
            let fade = (FRAC_PI_2 * beyond).cos().powi(2);
            let share = (inner - margin) as f64 / (measured as f64 - 1.0).max(1.0);
            table.push((scale * fade * repeated(redundancy, orbit, angle - begin, share)) as f32);
        }
    }
    table
}

/// Weight of a ray at `angle` from the beginning of the arc, at `share` of the way across the detector.
fn repeated(redundancy: Redundancy, orbit: &Orbit, angle: f64, share: f64) -> f64 {
    match redundancy {
        Redundancy::FullCircle => 0.5,
        Redundancy::HalfTurn | Redundancy::LimitedArc => 1.0,
        Redundancy::ShortScan => {
            let [low, high] = orbit.span_mm;
            let alpha = match orbit.trajectory {
                Trajectory::Circle { sdd_mm, .. } | Trajectory::Line { sdd_mm, .. } => {
                    -((low + share * (high - low)) / sdd_mm).atan()
                }
                Trajectory::Parallel => 0.0,
            };
            parker(angle, alpha, (orbit.arc_rad - PI) / 2.0)
        }
    }
}

fn tilt_and_magnification(view: &View) -> f64 {
    match view.source {
        Source::Direction(_) => 1.0,
        Source::Point(source) => {
            let normal = view.u_step.cross(view.v_step).normalize();
            let sid = source.dot(normal).abs();
            let sdd = (view.detector_centre - source).dot(normal).abs();
            let cosine = sid / source.length();
            sdd / sid / (cosine * cosine)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
