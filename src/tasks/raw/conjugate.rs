use std::f64::consts::PI;

use rustfft::{FftPlanner, num_complex::Complex64};

use super::axis::{self, Axis, AxisSearch};
use crate::{data::Projections, geometry::ConeCircular, parallel::*, tasks::TaskError};

/// Views below which a turn is too coarse to be compared with itself.
const FEWEST_VIEWS: usize = 16;
/// Share of a step between views by which a full turn may be missed.
const CLOSED: f64 = 1e-2;
/// The measure where pairs hold nothing: that of values without relation.
const UNSEEN: f64 = 1.0;

/// Finds the axis of a fan or a circular cone beam by rays that are measured twice, as [`super::find_axis`] describes.
pub(super) fn find(projections: &Projections, scan: &ConeCircular, search: AxisSearch) -> Result<Axis, TaskError> {
    let Some(arc_deg) = scan.turn().equal_arc_deg() else { return Err(axis::uneven()) };
    check(scan, arc_deg.abs())?;
    if search.row.is_some() {
        let reason = "takes the row in the plane of the source's circle in fans and cones, and no other";
        return Err(TaskError::Method { method: axis::METHOD, reason });
    }
    let row = middle_row(scan)?;
    let tried = axis::half_columns(scan.detector[0], search.reach)?;
    let turn = Turn::new(projections, scan, row, arc_deg);
    let values: Vec<f64> = tried.clone().into_par_iter().map(|twice| turn.difference(twice)).collect();
    let (column, sharpness) = axis::clear_least(&tried, &values, *tried.start(), &values)?;
    Ok(Axis { column, row, sharpness, by_opposite_views: None })
}

fn check(scan: &ConeCircular, arc_deg: f64) -> Result<(), TaskError> {
    if scan.views < FEWEST_VIEWS {
        return Err(TaskError::Range { field: "views", allowed: "16 or more", got: scan.views as f64 });
    }
    let step_deg = arc_deg / (scan.views - 1) as f64;
    // A full circle leaves its end out; another arc may do so, too.
    if arc_deg < 360.0 && (arc_deg + step_deg - 360.0).abs() > CLOSED * step_deg {
        let allowed = "a full turn of 360° in fan and cone beams, in which every ray is measured twice";
        return Err(TaskError::Range { field: "arc_deg", allowed, got: arc_deg });
    }
    if scan.tilt_deg != [0.0; 3] {
        return Err(TaskError::Method { method: axis::METHOD, reason: "needs a detector without tilt" });
    }
    Ok(())
}

/// Row, with its fraction, in which the plane of the source's circle meets the detector.
fn middle_row(scan: &ConeCircular) -> Result<f64, TaskError> {
    let rows = scan.detector[1] as f64;
    let row = (rows - 1.0) / 2.0 - scan.offset_mm[1] / scan.pitch_mm[1];
    if row < -0.5 || row > rows - 0.5 {
        return Err(TaskError::Method {
            method: axis::METHOD,
            reason: "needs the plane of the source's circle, which passes by the detector",
        });
    }
    Ok(row.clamp(0.0, rows - 1.0))
}

/// One row of a full turn as a Fourier series along the views.
struct Turn {
    /// Coefficients of m = 0, 1, … cycles per turn, `[column][m]`.
    spectra: Vec<Vec<Complex64>>,
    /// du/SDD, positive if the views turn counter-clockwise.
    step: f64,
}

impl Turn {
    fn new(projections: &Projections, scan: &ConeCircular, row: f64, arc_deg: f64) -> Self {
        let ([columns, _], views) = (projections.detector(), projections.views());
        let (low, share) = (row.floor() as usize, row.fract());
        let forward = FftPlanner::new().plan_fft_forward(views);
        let value =
            |view: usize, row: usize, column: usize| f64::from(projections.view_values(view)[row * columns + column]);
        let spectrum = |column: usize| {
            let sample = |view: usize| {
                let above = if share > 0.0 { share * value(view, low + 1, column) } else { 0.0 };
                Complex64::from((1.0 - share) * value(view, low, column) + above)
            };
            let mut values: Vec<Complex64> = (0..views).map(sample).collect();
            forward.process(&mut values);
            // Half of the views' frequency has no direction.
            values.truncate(views.div_ceil(2));
            values
        };
        let spectra: Vec<Vec<Complex64>> = (0..columns).into_par_iter().map(spectrum).collect();
        Self { spectra, step: arc_deg.signum() * scan.pitch_mm[0] / scan.source_detector_mm }
    }

    /// Mean square difference of rays that are one for an axis at half of column `twice`, as a share of their mean square.
    fn difference(&self, twice: usize) -> f64 {
        let columns = self.spectra.len();
        let (mut differences, mut squares) = (0.0, 0.0);
        // Each pair once, by its left column; the central column has no pair.
        for left in (twice + 1).saturating_sub(columns)..twice.div_ceil(2) {
            let [a, b] = [left, twice - left].map(|column| &self.spectra[column]);
            let fan_rad = ((left as f64 - twice as f64 / 2.0) * self.step).atan();
            let turn = Complex64::from_polar(1.0, PI - 2.0 * fan_rad);
            let mut phase = Complex64::from(1.0);
            for (m, (a, b)) in a.iter().zip(b).enumerate() {
                // Of a real series, m stands for −m too.
                let weight = if m == 0 { 0.5 } else { 1.0 };
                differences += weight * (a - b * phase).norm_sqr();
                squares += weight * (a.norm_sqr() + b.norm_sqr());
                phase *= turn;
            }
        }
        if squares > 0.0 { differences / squares } else { UNSEEN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Unit, geometry::Scan, phantom::shepp_logan, tasks::raw::find_axis};

    const SEARCH: AxisSearch = AxisSearch { row: None, reach: 0.25 };
    const PITCH_MM: [f64; 2] = [1.5, 2.0];

    fn scan(kind: &str, rows: usize, arc_deg: f64, offset_mm: [f64; 2]) -> Scan {
        let [u, v] = offset_mm;
        let text = format!(
            "kind = '{kind}'\nsource_isocentre_mm = 300\nsource_detector_mm = 450\nviews = 200\nstart_deg = 17\narc_deg = {arc_deg}\n\
             detector = [180, {rows}]\npitch_mm = {PITCH_MM:?}\noffset_mm = [{u}, {v}]"
        );
        Scan::from_toml(&text).unwrap()
    }

    fn stack(scan: &Scan) -> Projections {
        stack_of(70.0, scan)
    }

    fn stack_of(radius_mm: f64, scan: &Scan) -> Projections {
        shepp_logan(radius_mm).unwrap().project(&scan.build().unwrap()).unwrap()
    }

    #[test]
    fn the_axis_is_found_where_it_is() {
        for (kind, rows, arc_deg, offset_mm, row) in [
            ("fan", 1, 360.0, [0.0, 0.0], 0.0),
            ("fan", 1, 360.0, [7.3, 0.0], 0.0),
            ("fan", 1, -360.0, [-13.9, 0.0], 0.0),
            ("fan", 1, 358.2, [0.4, 0.0], 0.0),
            ("cone-circular", 4, 360.0, [-7.3, 0.0], 1.5),
            ("cone-circular", 4, -360.0, [13.9, 0.0], 1.5),
            ("cone-circular", 5, 360.0, [-0.4, 2.5], 0.75),
            ("cone-circular", 5, 360.0, [31.0, 0.0], 2.0),
        ] {
            let scan = scan(kind, rows, arc_deg, offset_mm);
            let axis = find_axis(&stack(&scan), &scan, SEARCH).unwrap();
            let off = (axis.offset_mm(180, 1.5) - offset_mm[0]) / 1.5;
            println!("{kind} {arc_deg} {offset_mm:?}: {axis:?}, off by {off}");
            assert!(off.abs() < 0.1 && axis.row == row, "{kind} {offset_mm:?}: off by {off} columns");
        }
    }

    #[test]
    fn the_axis_is_found_through_noise_and_where_most_is_empty() {
        let scan = scan("fan", 1, 360.0, [7.3, 0.0]);
        for (radius_mm, noise, reach) in [(70.0, 10.0, 0.25), (20.0, 0.0, 0.5)] {
            let clean = stack_of(radius_mm, &scan);
            let random = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0;
            let values = clean.values().iter().enumerate().map(|(i, value)| value + noise * random(i)).collect();
            let stack = Projections::new(200, [180, 1], PITCH_MM, Unit::LineIntegral, values).unwrap();
            let axis = find_axis(&stack, &scan, AxisSearch { reach, ..SEARCH }).unwrap();
            let off = (axis.offset_mm(180, 1.5) - 7.3) / 1.5;
            println!("radius {radius_mm} mm, noise ±{noise}: off by {off}, sharpness {}", axis.sharpness);
            assert!(off.abs() < 0.1, "radius {radius_mm}, noise {noise}: {off}");
        }
    }

    #[test]
    fn a_turn_the_wrong_way_is_not_conjugate() {
        let [there, back] = [360.0, -360.0].map(|arc_deg| scan("fan", 1, arc_deg, [7.5, 0.0]));
        let stack = stack(&there);
        let at = |scan: &Scan| {
            let Scan::Fan(scan) = scan else { unreachable!("a fan") };
            Turn::new(&stack, &scan.cone(), 0.0, scan.arc_deg).difference(169)
        };
        println!("{} {}", at(&there), at(&back));
        assert!(10.0 * at(&there) < at(&back));
    }

    #[test]
    fn noise_is_told_from_an_axis() {
        let scan = scan("fan", 1, 360.0, [0.0, 0.0]);
        let noise = (0..200 * 180_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e7);
        let stack = |values| Projections::new(200, [180, 1], PITCH_MM, Unit::LineIntegral, values).unwrap();
        for (name, stack) in [("noise", stack(noise.collect())), ("constant", stack(vec![1.0; 200 * 180]))] {
            let found = find_axis(&stack, &scan, SEARCH);
            println!("{name}: {found:?}");
            assert!(found.is_err_and(|error| error.to_string().contains("no clear minimum")), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_searched_is_refused_by_name() {
        let refused = |scan: &Scan, search| find_axis(&stack(scan), scan, search).unwrap_err().to_string();
        let said = refused(&scan("fan", 1, 240.0, [0.0; 2]), SEARCH);
        assert!(said.starts_with("arc_deg must be a full turn of 360°") && said.ends_with("got 240"), "{said}");
        let said = refused(&scan("cone-circular", 4, 360.0, [0.0, 9.0]), SEARCH);
        assert!(said.contains("passes by the detector"), "{said}");
        let cone = scan("cone-circular", 4, 360.0, [0.0; 2]);
        assert!(refused(&cone, AxisSearch { row: Some(1), ..SEARCH }).contains("and no other"));
        assert!(refused(&cone, AxisSearch { reach: 0.6, ..SEARCH }).starts_with("reach must be"));
        // Beyond the reach: the least lies at its end.
        assert!(refused(&scan("fan", 1, 360.0, [31.0, 0.0]), AxisSearch { reach: 0.1, ..SEARCH }).contains("no clear"));
        let Scan::ConeCircular(cone) = cone else { unreachable!("a cone") };
        let tilted = ConeCircular { tilt_deg: [0.0, 0.0, 1.0], ..cone }.into();
        assert!(refused(&tilted, SEARCH).contains("without tilt"));
    }
}
