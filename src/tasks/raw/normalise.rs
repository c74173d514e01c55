use crate::{
    data::{Projections, Unit},
    parallel::*,
    tasks::TaskError,
};

/// Counts of a detector with what is needed to make line integrals of them.
///
/// ```text
/// p = −ln max(t, floor)          t = (I − D − S)/(F − D)
/// ```
/// I are the counts, D and F the means of all dark and flat fields, S the scattered counts, if they are known.
#[derive(Clone, Copy, Debug)]
pub struct RawScan<'a> {
    /// Counts, 0 and above.
    pub counts: &'a Projections,
    /// Views without an object.
    pub flat: &'a Projections,
    /// Views without a beam.
    pub dark: Option<&'a Projections>,
    /// Scattered counts: one view for all, or one for each.
    pub scatter: Option<&'a Projections>,
    /// Least transmission that is told from none, above 0 and below 1.
    pub floor: f64,
}

/// Line integrals of a raw scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalised {
    /// The line integrals.
    pub projections: Projections,
    /// Pixels whose flat field is that of no working pixel; they have what lies between their neighbours in a row.
    pub bad_pixels: usize,
    /// Values at the floor.
    pub floored: usize,
}

/// A pixel whose gain is below this share of the median's is a bad one, and one above its inverse.
const LEAST_GAIN: f64 = 0.1;

impl RawScan<'_> {
    /// Makes the line integrals.
    ///
    /// # Errors
    /// [`TaskError`] when views differ in size, counts are negative or not finite, the floor is out of its range, or a row has no
    /// working pixel.
    pub fn normalised(&self) -> Result<Normalised, TaskError> {
        let Self { counts, flat, dark, scatter, floor } = *self;
        if !(floor > 0.0 && floor < 1.0) {
            return Err(TaskError::Range { field: "floor", allowed: "above 0 and below 1", got: floor });
        }
        let all = [("counts", Some(counts)), ("flat field", Some(flat)), ("dark field", dark), ("scatter", scatter)];
        for (what, stack) in all.into_iter().filter_map(|(what, stack)| Some((what, stack?))) {
            check(what, stack, counts)?;
        }
        if let Some(scatter) = scatter
            && ![1, counts.views()].contains(&scatter.views())
        {
            let expected = counts.views();
            return Err(TaskError::Count { field: "scatter", each: "view, or one", expected, got: scatter.views() });
        }
        let dark = dark.map(mean);
        let bright = mean(flat);
        let pixels = bright.len();
        let dark = dark.unwrap_or_else(|| vec![0.0; pixels]);
        let gains: Vec<f64> = bright.iter().zip(&dark).map(|(bright, dark)| bright - dark).collect();
        let is_good = working(&gains);
        let columns = counts.detector()[0];
        if let Some(row) = is_good.chunks(columns).position(|row| row.iter().all(|is_good| !is_good)) {
            return Err(TaskError::Range {
                field: "flat field less dark field",
                allowed: "above 0 in some pixel of every row",
                got: gains[row * columns],
            });
        }
        let views: Vec<(Vec<f32>, usize)> = (0..counts.views())
            .into_par_iter()
            .map(|view| {
                let scattered = scatter.map(|scatter| scatter.view_values(view.min(scatter.views() - 1)));
                let mut floored = 0;
                let mut values: Vec<f32> = counts
                    .view_values(view)
                    .iter()
                    .enumerate()
                    .map(|(pixel, count)| {
                        let scattered = scattered.map_or(0.0, |of| f64::from(of[pixel]));
                        let through = (f64::from(*count) - dark[pixel] - scattered) / gains[pixel];
                        floored += usize::from(is_good[pixel] && through <= floor);
                        -through.max(floor).ln() as f32
                    })
                    .collect();
                values.chunks_mut(columns).zip(is_good.chunks(columns)).for_each(|(row, is_good)| mend(row, is_good));
                (values, floored)
            })
            .collect();
        let floored = views.iter().map(|(_, floored)| floored).sum();
        let values = views.into_iter().flat_map(|(values, _)| values).collect();
        let (detector, pitch) = (counts.detector(), counts.pitch_mm());
        let projections = Projections::new(counts.views(), detector, pitch, Unit::LineIntegral, values)?;
        let bad_pixels = is_good.iter().filter(|is_good| !**is_good).count();
        Ok(Normalised { projections, bad_pixels, floored })
    }
}

fn check(what: &'static str, stack: &Projections, counts: &Projections) -> Result<(), TaskError> {
    if stack.detector() != counts.detector() {
        let (expected, got) = (counts.detector(), stack.detector());
        return Err(TaskError::Size { what, like: "counts", expected, got });
    }
    stack.check_finite()?;
    match stack.values().iter().find(|value| **value < 0.0) {
        Some(value) => Err(TaskError::Range { field: what, allowed: "0 and above", got: f64::from(*value) }),
        None => Ok(()),
    }
}

/// Mean of all views, pixel by pixel.
fn mean(stack: &Projections) -> Vec<f64> {
    let pixels = stack.detector()[0] * stack.detector()[1];
    let mut sums = vec![0.0; pixels];
    for view in stack.values().chunks_exact(pixels) {
        sums.iter_mut().zip(view).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let count = stack.views() as f64;
    sums.iter_mut().for_each(|sum| *sum /= count);
    sums
}

/// Which pixels have a gain near that of most.
fn working(gains: &[f64]) -> Vec<bool> {
    let mut sorted = gains.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    gains.iter().map(|gain| *gain > LEAST_GAIN * median && *gain < median / LEAST_GAIN).collect()
}

/// Gives bad pixels of a row what lies between the nearest good ones; some pixel is good.
fn mend(row: &mut [f32], is_good: &[bool]) {
    let mut last: Option<usize> = None;
    let mut index = 0;
    while index < row.len() {
        if is_good[index] {
            last = Some(index);
            index += 1;
            continue;
        }
        let next = (index..row.len()).find(|&i| is_good[i]);
        let end = next.unwrap_or(row.len());
        for i in index..end {
            row[i] = match (last, next) {
                (Some(a), Some(b)) => row[a] + (row[b] - row[a]) * ((i - a) as f32 / (b - a) as f32),
                (Some(of), None) | (None, Some(of)) => row[of],
                (None, None) => row[i],
            };
        }
        index = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(views: usize, values: Vec<f32>) -> Projections {
        Projections::new(views, [values.len() / views, 1], [1.0; 2], Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn counts_become_line_integrals_and_bad_pixels_what_lies_between() {
        let flat = stack(2, vec![900.0, 1100.0, 10.0, 1000.0, 1100.0, 1100.0, 10.0, 1000.0]);
        let dark = stack(1, vec![100.0, 100.0, 10.0, 0.0]);
        let counts = stack(1, vec![100.0 + 900.0 * (-2.0_f32).exp(), 100.0 + 1000.0 * (-1.0_f32).exp(), 77.0, 0.0]);
        let raw = RawScan { counts: &counts, flat: &flat, dark: Some(&dark), scatter: None, floor: 1e-3 };
        let got = raw.normalised().unwrap();
        let floor = -(1e-3_f32.ln());
        let expected = [2.0, 1.0, (1.0 + floor) / 2.0, floor];
        for (got, expected) in got.projections.values().iter().zip(expected) {
            assert!((got - expected).abs() < 1e-5, "{got} {expected}");
        }
        assert_eq!((got.bad_pixels, got.floored), (1, 1));
        let scatter = stack(1, vec![50.0; 4]);
        let got = RawScan { scatter: Some(&scatter), ..raw }.normalised().unwrap();
        assert!((got.projections.values()[1] + ((1000.0 * (-1.0_f32).exp() - 50.0) / 1000.0).ln()).abs() < 1e-5);
    }

    #[test]
    fn what_no_detector_counts_is_refused() {
        let (good, short) = (stack(1, vec![5.0; 4]), stack(1, vec![5.0; 3]));
        let raw = RawScan { counts: &good, flat: &good, dark: None, scatter: None, floor: 1e-3 };
        let refused = |raw: RawScan<'_>| raw.normalised().unwrap_err().to_string();
        assert!(refused(RawScan { flat: &short, ..raw }).contains("flat field"));
        assert!(refused(RawScan { dark: Some(&good), ..raw }).contains("above 0 in some pixel"));
        assert!(refused(RawScan { floor: 0.0, ..raw }).contains("floor"));
        let negative = stack(1, vec![5.0, -3.0, 5.0, 5.0]);
        assert!(refused(RawScan { counts: &negative, ..raw }).contains("-3"));
        let three = stack(3, vec![0.0; 12]);
        assert!(refused(RawScan { scatter: Some(&three), ..raw }).contains("scatter"));
    }
}
