use std::{f64::consts::PI, ops::RangeInclusive};

use rustfft::{FftPlanner, num_complex::Complex64};

use super::{conjugate, symmetry};
use crate::{
    data::Projections,
    geometry::Scan,
    tasks::{TaskError, task::fits},
};

/// What is looked at to find the rotation axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisSearch {
    /// Row of the detector, in parallel beams; the middle one if there is none. In fans and cones the geometry says which.
    pub row: Option<usize>,
    /// How far from the detector's middle the axis may be, as a share of its columns, above 0 and at most 1/2.
    pub reach: f64,
}

/// Where the rotation axis of a scan falls on the detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Column, counted from the first one's centre.
    pub column: f64,
    /// Row that was looked at; with a fraction, between two.
    pub row: f64,
    /// By how much the measure at its least is below its median over all columns that were tried, as a share of the median.
    pub sharpness: f64,
    /// Column by phase correlation of the first view with the one opposite, in parallel beams.
    pub by_opposite_views: Option<f64>,
}

/// Why listed angles in unequal steps are refused.
pub(super) fn uneven() -> TaskError {
    TaskError::Method { method: METHOD, reason: "needs views in equal steps" }
}

pub(super) const METHOD: &str = "the search for the rotation axis";
/// Least sharpness at which a column is believed.
const LEAST_SHARPNESS: f64 = 0.15;
/// Columns below which there is nothing to search.
const FEWEST_COLUMNS: usize = 16;

impl Axis {
    /// Offset of a detector of so many columns along u, in mm, that brings the axis to u = 0: in fans and cones, the central ray.
    #[must_use]
    pub fn offset_mm(&self, columns: usize, pitch_mm: f64) -> f64 {
        ((columns as f64 - 1.0) / 2.0 - self.column) * pitch_mm
    }
}

/// Finds the column of the rotation axis in half a turn of parallel beams, or in a full turn of a fan or a circular cone beam.
///
/// **Parallel beams** (Vo et al., Opt. Express 22 (2014) 19078). What half a turn has measured, mirrored at the right column, is the other half.
/// The spectrum of a whole turn of an object within radius r is nearly empty where |f_u| < |m|/(2πr), f_u the frequency along u and m the number of
/// cycles per turn; a wrong column leaves steps between the halves, which fill it. Its mean magnitude there is least at the axis.
///
/// **Fans and cones.** The ray of view t at fan angle γ runs along t + 90° − γ and passes the axis at SID·sin γ. View t + 180° − 2γ measures it again,
/// the other way, at −γ:
///
/// ```text
/// p(t, γ) = p(t + π − 2γ, −γ)        tan γ = (i − c)·du/SDD        −γ at column 2c − i
/// ```
/// where c is the column of the axis. The mean square difference of such pairs, as a share of their mean square, is least at the axis. In cones this holds
/// where the plane of the source's circle meets the detector; between two rows, values are interpolated. Between views they are
/// not: the turn is a Fourier series, which is shifted exactly.
///
/// Half columns are tried, for which nothing need be interpolated along u, and a parabola goes through the least and its neighbours.
///
/// # Errors
/// [`TaskError`] when the projections are not the scan's or not finite, the scan is of another kind, tilted, too short or of fewer than 16 views, the row does not exist or is not asked for, the reach is out of
/// its range, or the measure has no clear least: the sinogram does not say where the axis is.
pub fn find_axis(projections: &Projections, scan: &Scan, search: AxisSearch) -> Result<Axis, TaskError> {
    fits(projections, &scan.build()?)?;
    projections.check_finite()?;
    match scan {
        Scan::Parallel(scan) => symmetry::find(projections, scan, search),
        Scan::Fan(scan) => conjugate::find(projections, &scan.cone(), search),
        Scan::ConeCircular(scan) => conjugate::find(projections, scan, search),
        _ => Err(TaskError::Method { method: METHOD, reason: "needs a scan of kind parallel, fan or cone-circular" }),
    }
}

/// Twice the columns that are tried, to `reach` from the middle of the detector.
pub(super) fn half_columns(columns: usize, reach: f64) -> Result<RangeInclusive<usize>, TaskError> {
    let range = |field, allowed, got| Err(TaskError::Range { field, allowed, got });
    if !(reach > 0.0 && reach <= 0.5) {
        return range("reach", "above 0 and at most 1/2", reach);
    }
    if columns < FEWEST_COLUMNS {
        return range("columns", "16 or more", columns as f64);
    }
    let middle = columns as f64 - 1.0;
    let far = (2.0 * reach * columns as f64).min(middle - 2.0);
    let [first, last] = [middle - far, middle + far].map(|twice| twice.round() as usize);
    Ok(first..=last)
}

/// Column of the least of `near`, whose first value is that of half of column `first`, and its sharpness beside `all` values in `range`.
pub(super) fn clear_least(
    range: &RangeInclusive<usize>,
    all: &[f64],
    first: usize,
    near: &[f64],
) -> Result<(f64, f64), TaskError> {
    let best = (0..near.len()).min_by(|a, b| near[*a].total_cmp(&near[*b])).unwrap_or(0);
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let sharpness = if median > 0.0 { 1.0 - near[best] / median } else { 0.0 };
    let twice = first + best;
    let is_inside = best > 0 && best + 1 < near.len() && twice > *range.start() && twice < *range.end();
    if sharpness < LEAST_SHARPNESS || !is_inside {
        let reason = "finds no clear minimum: the sinogram does not say where the axis is";
        return Err(TaskError::Method { method: METHOD, reason });
    }
    let [a, b, c] = [near[best - 1], near[best], near[best + 1]];
    let shift = 0.5 * (a - c) / (a - 2.0 * b + c);
    Ok(((twice as f64 + shift.clamp(-0.5, 0.5)) / 2.0, sharpness))
}

/// Column about which one view is the mirror image of another, by phase correlation.
pub(super) fn correlated(view: &[f32], opposite: &[f32]) -> f64 {
    let columns = view.len();
    let length = (2 * columns).next_power_of_two();
    let mut planner = FftPlanner::new();
    let forward = planner.plan_fft_forward(length);
    let transformed = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / columns as f64;
        let mut padded: Vec<Complex64> = values.iter().map(|value| Complex64::new(value - mean, 0.0)).collect();
        padded.resize(length, Complex64::default());
        forward.process(&mut padded);
        padded
    };
    let a = transformed(view.iter().map(|value| f64::from(*value)).collect());
    let b = transformed(opposite.iter().rev().map(|value| f64::from(*value)).collect());
    let cross: Vec<Complex64> = a.iter().zip(&b).map(|(a, b)| a * b.conj()).collect();
    let largest = cross.iter().map(|value| value.norm()).fold(0.0, f64::max);
    let mut phases: Vec<Complex64> = cross
        .iter()
        .enumerate()
        .map(|(index, value)| {
            // High frequencies are noise: a window over the lowest half of them.
            let share = 2.0 * index.min(length - index) as f64 / length as f64;
            let window = if share < 0.5 { (PI * share).cos().powi(2) } else { 0.0 };
            value * (window / (value.norm() + 1e-3 * largest))
        })
        .collect();
    planner.plan_fft_inverse(length).process(&mut phases);
    let at = |shift: i64| phases[shift.rem_euclid(length as i64) as usize].re;
    let reach = columns as i64 - 1;
    let best = (-reach..=reach).max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap_or(0);
    let [low, high] = [at(best - 1), at(best + 1)];
    let bend = low - 2.0 * at(best) + high;
    let shift = if bend < 0.0 { 0.5 * (low - high) / bend } else { 0.0 };
    (columns as f64 - 1.0 + best as f64 + shift.clamp(-0.5, 0.5)) / 2.0
}
