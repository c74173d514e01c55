use std::f64::consts::{PI, TAU};

use rustfft::{Fft, FftPlanner, num_complex::Complex64};

use crate::{data::Projections, geometry::Parallel, parallel::*, tasks::TaskError};

/// What is looked at to find the rotation axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisSearch {
    /// Row of the detector.
    pub row: usize,
    /// How far from the detector's middle the axis may be, as a share of its columns, above 0 and at most 1/2.
    pub reach: f64,
}

/// Where the rotation axis of a scan of parallel beams falls on the detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Column by the symmetry of the sinogram (Vo et al., Opt. Express 22 (2014) 19078), counted from the first one's centre.
    pub column: f64,
    /// By how much the measure of asymmetry at its least is below its median over all columns that were tried, as a share of the median.
    pub sharpness: f64,
    /// Column by phase correlation of the first view with the one opposite.
    pub by_opposite_views: f64,
}

/// Least sharpness at which a column is believed.
const LEAST_SHARPNESS: f64 = 0.15;
/// Largest radius of an object that is looked for, as a share of the columns.
const RADIUS: f64 = 0.5;
/// Views below which a sinogram has no angular frequencies to look at.
const FEWEST_VIEWS: usize = 16;
/// Step of the first search in half columns, and how far the second goes about its best.
const COARSE: usize = 4;

impl Axis {
    /// Offset of the detector along u, in mm, that brings the axis to u = 0.
    #[must_use]
    pub fn offset_mm(&self, scan: &Parallel) -> f64 {
        ((scan.detector[0] as f64 - 1.0) / 2.0 - self.column) * scan.pitch_mm[0]
    }
}

/// Finds the column of the rotation axis in half a turn of parallel beams.
///
/// **By symmetry.** What half a turn has measured, mirrored at the right column, is the other half. The spectrum of a whole turn of an object
/// within radius r is nearly empty where |f_u| < |m|/(2πr), f_u the frequency along u and m the number of cycles per turn; a wrong column leaves
/// steps between the halves, which fill it. Its mean magnitude there is least at the axis. Half columns are tried, for which nothing need be
/// interpolated, and a parabola goes through the least and its neighbours.
///
/// # Errors
/// [`TaskError`] when the scan is shorter than half a turn, of fewer than 16 views, the row does not exist, the reach is out of its range, or
/// the measure has no clear least: the sinogram does not say where the axis is.
pub fn find_axis(projections: &Projections, scan: &Parallel, search: AxisSearch) -> Result<Axis, TaskError> {
    let [columns, rows] = projections.detector();
    let AxisSearch { row, reach } = search;
    let range = |field, allowed, got| Err(TaskError::Range { field, allowed, got });
    if row >= rows {
        return range("row", "one of the detector's", row as f64);
    }
    if !(reach > 0.0 && reach <= 0.5) {
        return range("reach", "above 0 and at most 1/2", reach);
    }
    if columns < FEWEST_VIEWS {
        return range("columns", "16 or more", columns as f64);
    }
    let step_deg = scan.arc_deg.abs() / (projections.views().max(2) - 1) as f64;
    // Views before the one that is opposite to the first.
    let half_turn = (180.0 / step_deg - 1e-6).ceil() as usize;
    if half_turn > projections.views() || half_turn < FEWEST_VIEWS {
        return range("arc_deg", "half a turn or more, less the last step, in 16 views or more", scan.arc_deg);
    }
    let line = |view: usize| &projections.view_values(view)[row * columns..][..columns];
    let sinogram: Vec<f64> = (0..half_turn).flat_map(line).map(|value| f64::from(*value)).collect();
    let measure = Asymmetry::new(sinogram, columns);
    let middle = columns as f64 - 1.0;
    let far = (2.0 * reach * columns as f64).min(middle - 2.0);
    let [first, last] = [middle - far, middle + far].map(|twice| twice.round() as usize);
    let coarse: Vec<usize> = (first..=last).step_by(COARSE).collect();
    let values: Vec<f64> = coarse.clone().into_par_iter().map(|twice| measure.at(twice)).collect();
    let least = (0..values.len()).min_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0);
    let about = coarse[least];
    let fine: Vec<usize> =
        (about.saturating_sub(COARSE + 1).max(1)..=(about + COARSE + 1).min(2 * columns - 3)).collect();
    let near: Vec<f64> = fine.clone().into_par_iter().map(|twice| measure.at(twice)).collect();
    let best = (0..near.len()).min_by(|a, b| near[*a].total_cmp(&near[*b])).unwrap_or(0);
    let mut sorted = values;
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let sharpness = if median > 0.0 { 1.0 - near[best] / median } else { 0.0 };
    let is_inside = best > 0 && best + 1 < near.len() && fine[best] > first && fine[best] < last;
    if sharpness < LEAST_SHARPNESS || !is_inside {
        return Err(TaskError::Method {
            method: "the search for the rotation axis",
            reason: "finds no clear minimum: the sinogram does not say where the axis is",
        });
    }
    let [a, b, c] = [near[best - 1], near[best], near[best + 1]];
    let shift = 0.5 * (a - c) / (a - 2.0 * b + c);
    let column = (fine[best] as f64 + shift.clamp(-0.5, 0.5)) / 2.0;
    let opposite = line(half_turn.min(projections.views() - 1));
    Ok(Axis { column, sharpness, by_opposite_views: correlated(line(0), opposite) })
}

/// The measure of asymmetry of a sinogram of half a turn.
struct Asymmetry {
    sinogram: Vec<f64>,
    columns: usize,
    views: usize,
    along: std::sync::Arc<dyn Fft<f64>>,
    around: std::sync::Arc<dyn Fft<f64>>,
}

impl Asymmetry {
    fn new(sinogram: Vec<f64>, columns: usize) -> Self {
        let views = sinogram.len() / columns;
        let mut planner = FftPlanner::new();
        let (along, around) = (planner.plan_fft_forward(columns), planner.plan_fft_forward(2 * views));
        Self { sinogram, columns, views, along, around }
    }

    /// Mean magnitude in the part of the spectrum that should be empty, for an axis at half of column `twice`.
    fn at(&self, twice: usize) -> f64 {
        let Self { columns, views, .. } = *self;
        let mut spectrum = Vec::with_capacity(2 * views * columns);
        spectrum.extend(self.sinogram.iter().map(|value| Complex64::new(*value, 0.0)));
        for view in 0..views {
            // Where the mirrored column was not measured, the views in turn, which join without a step.
            let turned = &self.sinogram[(views - 1 - view) * columns..][..columns];
            let line = &self.sinogram[view * columns..][..columns];
            let value = |column: usize| match twice.checked_sub(column) {
                Some(mirrored) if mirrored < columns => line[mirrored],
                _ => turned[column],
            };
            spectrum.extend((0..columns).map(|column| Complex64::new(value(column), 0.0)));
        }
        self.along.process(&mut spectrum);
        let cycles = |index: usize, count: usize| if 2 * index > count { count - index } else { index };
        let drop = (views / 8).max(4);
        let (mut sum, mut count) = (0.0, 0_usize);
        let mut line = vec![Complex64::default(); 2 * views];
        // Both halves of a real spectrum are alike.
        let widest = (views as f64 / (TAU * RADIUS)) as usize;
        for column in 2..(widest + 1).min(columns / 2) {
            for (view, value) in line.iter_mut().enumerate() {
                *value = spectrum[view * columns + column];
            }
            self.around.process(&mut line);
            for (index, value) in line.iter().enumerate() {
                let m = cycles(index, 2 * views);
                if m > drop && (column as f64) < m as f64 / (TAU * RADIUS) {
                    sum += value.norm();
                    count += 1;
                }
            }
        }
        if count == 0 { 0.0 } else { sum / count as f64 }
    }
}

/// Column about which one view is the mirror image of another, by phase correlation.
fn correlated(view: &[f32], opposite: &[f32]) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Unit, geometry::Scan, phantom::shepp_logan};

    fn scan(offset_mm: f64) -> Parallel {
        let text = format!(
            "kind = 'parallel'\nviews = 121\narc_deg = 180\ndetector = [160, 3]\npitch_mm = [1.5, 2.0]\noffset_mm = [{offset_mm}, 0.0]"
        );
        match Scan::from_toml(&text).unwrap() {
            Scan::Parallel(scan) => scan,
            _ => unreachable!("a parallel scan"),
        }
    }

    #[test]
    fn the_axis_is_found_where_it_is() {
        for offset_mm in [0.0, 7.3, -13.9] {
            let scan = scan(offset_mm);
            let projections = shepp_logan(80.0).unwrap().project(&scan.build().unwrap()).unwrap();
            let axis = find_axis(&projections, &scan, AxisSearch { row: 1, reach: 0.25 }).unwrap();
            println!("{offset_mm}: {axis:?}, {}", axis.offset_mm(&scan));
            assert!((axis.offset_mm(&scan) - offset_mm).abs() < 0.2 * 1.5, "{offset_mm}: {axis:?}");
            let opposite = Axis { column: axis.by_opposite_views, ..axis };
            assert!((opposite.offset_mm(&scan) - offset_mm).abs() < 0.3 * 1.5, "{offset_mm}: {axis:?}");
        }
    }

    #[test]
    fn a_sinogram_that_says_nothing_is_refused() {
        let scan = scan(0.0);
        let noise = (0..121 * 3 * 160_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e7);
        let noise = Projections::new(121, [160, 3], [1.5, 2.0], Unit::LineIntegral, noise.collect()).unwrap();
        let constant = Projections::new(121, [160, 3], [1.5, 2.0], Unit::LineIntegral, vec![1.0; 121 * 480]).unwrap();
        for (name, stack) in [("noise", noise), ("constant", constant)] {
            let found = find_axis(&stack, &scan, AxisSearch { row: 1, reach: 0.25 });
            assert!(
                found.as_ref().is_err_and(|error| error.to_string().contains("no clear minimum")),
                "{name}: {found:?}"
            );
        }
        let short = Parallel { arc_deg: 120.0, ..scan };
        let stack = Projections::new(121, [160, 3], [1.5, 2.0], Unit::LineIntegral, vec![1.0; 121 * 480]).unwrap();
        assert!(find_axis(&stack, &short, AxisSearch { row: 1, reach: 0.25 }).is_err());
    }
}
