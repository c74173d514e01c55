use std::ops::Range;

use kerma::data::Image;

/// Rows from an edge within which it may ring.
const NEAR: usize = 24;
/// Rows from an edge between which the plateaus are measured.
const PLATEAU: Range<usize> = 30..60;
/// Rows on either side of an edge that are its own blur.
const EDGE: usize = 2;

/// Largest excursion beyond the plateaus on either side of a horizontal edge, in per cent of the step.
///
/// ```text
/// p(y) = mean over columns of image(x, y)
/// overshoot = 100·max(s·(p(y) − below) below the edge, s·(above − p(y)) above it, 0) / |below − above|
/// ```
/// where `above` and `below` are means of p from 30 to 60 rows from the edge, s the sign of the step, and y goes up to 24
/// rows away. `row` is the first row below the edge; columns are those in which both sides are flat.
#[must_use]
pub fn overshoot_percent(image: &Image, row: usize, columns: Range<usize>) -> f64 {
    let width = image.size()[0];
    let mean = |y: usize| {
        let values = &image.values()[y * width..][columns.clone()];
        values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64
    };
    let plateau = |at: &dyn Fn(usize) -> usize| PLATEAU.map(|n| mean(at(n))).sum::<f64>() / PLATEAU.len() as f64;
    let (up, down) = (|n: usize| row - 1 - n, |n: usize| row + n);
    let (above, below) = (plateau(&up), plateau(&down));
    let sign = (below - above).signum();
    let beyond = (EDGE..NEAR).flat_map(|n| [sign * (mean(down(n)) - below), sign * (above - mean(up(n)))]);
    100.0 * beyond.fold(0.0, f64::max) / (below - above).abs()
}

#[cfg(test)]
mod tests {
    use kerma::data::{Sample, Unit};

    use super::*;

    #[test]
    fn ringing_is_found_on_either_side_and_a_plain_step_has_none() {
        let image = |value: &dyn Fn(f64) -> f64| {
            let values = (0..4 * 200).map(|i| value(f64::from(i / 4) - 99.5) as f32).collect();
            Image::new([4, 200], None, Sample::Float, Unit::Arbitrary, values).unwrap()
        };
        let step = |y: f64| if y > 0.0 { 300.0 } else { 100.0 };
        assert_eq!(overshoot_percent(&image(&step), 100, 1..3), 0.0);
        // 20 of 200 levels at five rows from the edge.
        let ring = |y: f64| step(y) + if (y.abs() - 5.5).abs() < 0.1 { 20.0 * y.signum() } else { 0.0 };
        assert!((overshoot_percent(&image(&ring), 100, 0..4) - 10.0).abs() < 1e-6);
        assert!((overshoot_percent(&image(&|y| -ring(y)), 100, 0..4) - 10.0).abs() < 1e-6);
    }
}
