use std::f64::consts::TAU;

use rustfft::{Fft, FftPlanner, num_complex::Complex64};

use super::axis::{self, Axis, AxisSearch};
use crate::{data::Projections, geometry::Parallel, parallel::*, tasks::TaskError};

/// Largest radius of an object that is looked for, as a share of the columns.
const RADIUS: f64 = 0.5;
/// Views below which a sinogram has no angular frequencies to look at.
const FEWEST_VIEWS: usize = 16;
/// Step of the first search in half columns, and how far the second goes about its best.
const COARSE: usize = 4;

/// Finds the axis of parallel beams by the symmetry of the sinogram, as [`super::find_axis`] describes.
pub(super) fn find(projections: &Projections, scan: &Parallel, search: AxisSearch) -> Result<Axis, TaskError> {
    let [columns, rows] = projections.detector();
    let range = |field, allowed, got| Err(TaskError::Range { field, allowed, got });
    let row = search.row.unwrap_or(rows / 2);
    if row >= rows {
        return range("row", "one of the detector's", row as f64);
    }
    let tried = axis::half_columns(columns, search.reach)?;
    let Some(arc_deg) = scan.turn().equal_arc_deg() else { return Err(axis::uneven()) };
    let step_deg = arc_deg.abs() / (projections.views().max(2) - 1) as f64;
    // Views before the one that is opposite to the first.
    let half_turn = (180.0 / step_deg - 1e-6).ceil() as usize;
    if half_turn > projections.views() || half_turn < FEWEST_VIEWS {
        return range("arc_deg", "half a turn or more, less the last step, in 16 views or more", arc_deg);
    }
    let line = |view: usize| &projections.view_values(view)[row * columns..][..columns];
    let sinogram: Vec<f64> = (0..half_turn).flat_map(line).map(|value| f64::from(*value)).collect();
    let measure = Asymmetry::new(sinogram, columns);
    let coarse: Vec<usize> = tried.clone().step_by(COARSE).collect();
    let values: Vec<f64> = coarse.clone().into_par_iter().map(|twice| measure.at(twice)).collect();
    let least = (0..values.len()).min_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0);
    let about = coarse[least];
    let fine: Vec<usize> =
        (about.saturating_sub(COARSE + 1).max(1)..=(about + COARSE + 1).min(2 * columns - 3)).collect();
    let near: Vec<f64> = fine.clone().into_par_iter().map(|twice| measure.at(twice)).collect();
    let (column, sharpness) = axis::clear_least(&tried, &values, fine[0], &near)?;
    let opposite = line(half_turn.min(projections.views() - 1));
    Ok(Axis { column, row: row as f64, sharpness, by_opposite_views: Some(axis::correlated(line(0), opposite)) })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Unit, geometry::Scan, phantom::shepp_logan, tasks::raw::find_axis};

    const SEARCH: AxisSearch = AxisSearch { row: Some(1), reach: 0.25 };

    fn scan(offset_mm: f64) -> Scan {
        let text = format!(
            "kind = 'parallel'\nviews = 121\narc_deg = 180\ndetector = [160, 3]\npitch_mm = [1.5, 2.0]\noffset_mm = [{offset_mm}, 0.0]"
        );
        Scan::from_toml(&text).unwrap()
    }

    #[test]
    fn the_axis_is_found_where_it_is() {
        for offset_mm in [0.0, 7.3, -13.9] {
            let scan = scan(offset_mm);
            let projections = shepp_logan(80.0).unwrap().project(&scan.build().unwrap()).unwrap();
            let axis = find_axis(&projections, &scan, SEARCH).unwrap();
            println!("{offset_mm}: {axis:?}, {}", axis.offset_mm(160, 1.5));
            assert!((axis.offset_mm(160, 1.5) - offset_mm).abs() < 0.2 * 1.5, "{offset_mm}: {axis:?}");
            let mirrored = Axis { column: axis.by_opposite_views.unwrap(), ..axis };
            assert!((mirrored.offset_mm(160, 1.5) - offset_mm).abs() < 0.3 * 1.5, "{offset_mm}: {axis:?}");
        }
    }

    #[test]
    fn a_sinogram_that_says_nothing_is_refused() {
        let scan = scan(0.0);
        let noise = (0..121 * 3 * 160_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e7);
        let noise = Projections::new(121, [160, 3], [1.5, 2.0], Unit::LineIntegral, noise.collect()).unwrap();
        let constant = Projections::new(121, [160, 3], [1.5, 2.0], Unit::LineIntegral, vec![1.0; 121 * 480]).unwrap();
        for (name, stack) in [("noise", noise), ("constant", constant)] {
            let found = find_axis(&stack, &scan, SEARCH);
            assert!(
                found.as_ref().is_err_and(|error| error.to_string().contains("no clear minimum")),
                "{name}: {found:?}"
            );
        }
        let Scan::Parallel(scan) = scan else { unreachable!("a parallel scan") };
        let short = Parallel { arc_deg: 120.0, ..scan }.into();
        let stack = Projections::new(121, [160, 3], [1.5, 2.0], Unit::LineIntegral, vec![1.0; 121 * 480]).unwrap();
        assert!(find_axis(&stack, &short, SEARCH).is_err());
    }
}
