//! What networks see of a radiograph: an overview, or crops.

use kerma::data::Image;

use crate::Error;

/// Rows and columns of an overview.
pub const SIDE: usize = 128;
/// Rows and columns of a crop, of native pixels.
pub const CROP: usize = 64;
/// Crops of an image.
pub const CROPS: usize = 8;
/// Channels of a crop.
pub(super) const CROP_CHANNELS: usize = 2;
/// Places of the crops when an image is assessed: a grid of so many columns and rows.
const GRID: [usize; 2] = [4, 2];
/// Shares of the pixels of an overview that are black, and white.
const TAILS: [f64; 2] = [0.02, 0.98];
/// Least signal, relative to the reference grey, of which a logarithm is taken.
const FLOOR: f32 = 1e-3;
/// Least difference of which a logarithm is taken: an eighth of the noise of 20000 quanta.
const LEAST_DIFFERENCE: f32 = 5e-4;

/// What the pixels of an image are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Proportional to the exposure, as a detector's corrected signal.
    Exposure,
    /// To its logarithm, or made for viewing; bones are dark or bright.
    Display,
}

/// Whether an image can be looked at.
///
/// # Errors
/// [`Error::Image`] when a side is shorter than 128 pixels or a value is not finite.
pub(super) fn admit(image: &Image) -> Result<(), Error> {
    let [columns, rows] = image.size();
    if columns.min(rows) < SIDE {
        return Err(Error::Image(format!("must have {SIDE} x {SIDE} pixels or more, got {columns} x {rows}")));
    }
    image.check_finite().map_err(|e| Error::Image(e.to_string()))
}

/// The median of values, the reference grey of a signal.
pub(super) fn median(values: &[f32]) -> f32 {
    let mut values = values.to_vec();
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// Means over an image's pixels, `[row][column]` of 128²: its longer side fits, the shorter one goes on as at its edges.
pub(super) fn folded(values: &[f32], [columns, rows]: [usize; 2]) -> Vec<f32> {
    let pixel = columns.max(rows) as f64 / SIDE as f64;
    let [across, down] = [columns, rows].map(|count| shares(count, pixel));
    let narrow: Vec<f32> = values
        .chunks_exact(columns)
        .flat_map(|row| across.iter().map(|shares| shares.iter().map(|(at, share)| row[*at] * share).sum::<f32>()))
        .collect();
    let column = |shares: &[(usize, f32)], x: usize| shares.iter().map(|(y, share)| narrow[y * SIDE + x] * share).sum();
    down.iter().flat_map(|shares| (0..SIDE).map(|x| column(shares, x))).collect()
}

/// Which of `count` pixels, and with which shares, make each of 128 pixels of a side that is `pixel` times as long.
fn shares(count: usize, pixel: f64) -> Vec<Vec<(usize, f32)>> {
    let before = (pixel * SIDE as f64 - count as f64) / 2.0;
    let of = |index: usize| {
        let [from, to] = [0, 1].map(|end| (index + end) as f64 * pixel - before);
        let (first, last) = (from.floor() as isize, to.ceil() as isize);
        let share = |at: isize| {
            let covered = (to.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0) / pixel;
            (at.clamp(0, count as isize - 1) as usize, covered as f32)
        };
        (first..last).map(share).collect()
    };
    (0..SIDE).map(of).collect()
}

/// The ideal display: from the 2nd percentile, 0, to the 98th, 1, and level beyond. Displays stay as they are.
pub(super) fn displayed(mut values: Vec<f32>) -> Vec<f32> {
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let [low, high] = TAILS.map(|share| sorted[((sorted.len() - 1) as f64 * share).round() as usize]);
    let range = (high - low).max(f32::MIN_POSITIVE);
    values.iter_mut().for_each(|value| *value = ((*value - low) / range).clamp(0.0, 1.0));
    values
}

/// Line integrals of a signal whose reference grey is given.
pub(super) fn line_integrals(signal: &[f32], reference: f32) -> Vec<f32> {
    signal.iter().map(|signal| -(signal / reference).max(FLOOR).ln()).collect()
}

/// An overview as the networks see it, −1 to 1.
pub(super) fn seen(displayed: &[f32]) -> impl Iterator<Item = f32> + '_ {
    displayed.iter().map(|value| 2.0 * value - 1.0)
}

/// Left and upper corners of the crops of an image that is assessed.
pub(super) fn places([columns, rows]: [usize; 2]) -> [[usize; 2]; CROPS] {
    std::array::from_fn(|index| {
        let place = |at: usize, of: usize, count: usize| (count - CROP) * (at + 1) / (of + 1);
        [place(index % GRID[0], GRID[0], columns), place(index / GRID[0], GRID[1], rows)]
    })
}

/// The pixels of a crop whose left and upper corner is given.
pub(super) fn cropped(values: &[f32], columns: usize, [x, y]: [usize; 2]) -> Vec<f32> {
    (y..y + CROP).flat_map(|row| &values[row * columns + x..][..CROP]).copied().collect()
}

/// The channels of a crop, `[channel][row][column]`, from its signal relative to the reference grey.
///
/// ```text
/// s = √x        h = (s[i, j] − s[i, j + 1] − s[i + 1, j] + s[i + 1, j + 1]) / 2
/// (ln x) / 2,    (ln (|h| + 0.0005) + 4.5) / 1.5
/// ```
/// where the root makes the noise of quanta equally large everywhere, 1/(2√µ), and the difference leaves little else. Its logarithm is
/// about linear in ln µ, over which noise varies by fourteen times: as it is, a network would hear the noisiest images alone.
pub(super) fn channels(crop: &[f32]) -> impl Iterator<Item = f32> + '_ {
    let root = |row: usize, column: usize| crop[row.min(CROP - 1) * CROP + column.min(CROP - 1)].max(0.0).sqrt();
    // The last row and column look back.
    let start = |at: usize| at.min(CROP - 2);
    let difference = move |at: usize| {
        let [row, column] = [start(at / CROP), start(at % CROP)];
        let h = root(row, column) - root(row, column + 1) - root(row + 1, column) + root(row + 1, column + 1);
        ((h.abs() / 2.0 + LEAST_DIFFERENCE).ln() + 4.5) / 1.5
    };
    crop.iter().map(|x| x.max(FLOOR).ln() / 2.0).chain((0..CROP * CROP).map(difference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overviews_are_means_and_go_on_at_the_short_side() {
        let image: Vec<f32> = (0..256 * 384).map(|at| (at % 256) as f32).collect();
        let folded = folded(&image, [256, 384]);
        // 3 pixels each; (384 − 256)/2 = 64 pixels go on at each side.
        assert_eq!((folded[0], folded[20], folded[127]), (0.0, 0.0, 255.0));
        let middle = &folded[64 * SIDE..65 * SIDE];
        assert!((middle[64] - 129.0).abs() < 1e-3, "64·3 − 64 = 128 to 130");
        assert!((middle.windows(2).map(|w| w[1] - w[0]).fold(0.0_f32, f32::max) - 3.0).abs() < 1e-3);
    }

    #[test]
    fn a_display_is_its_own_display() {
        let once = displayed((0..10_000).map(|v| (v as f32).sqrt()).collect());
        assert_eq!(once.iter().filter(|v| **v == 0.0).count(), 201);
        assert_eq!(displayed(once.clone()), once);
        let inverted: Vec<f32> = once.iter().map(|v| 1.0 - v).collect();
        assert_eq!(displayed(inverted.clone()), inverted);
        assert!(displayed(vec![3.0; 20]).iter().all(|v| *v == 0.0));
    }

    #[test]
    fn crops_lie_within_and_apart() {
        let places = places([512, 128]);
        assert!(places.iter().all(|[x, y]| x + CROP <= 512 && y + CROP <= 128));
        assert_eq!((places[0], places[7]), ([89, 21], [358, 42]));
    }

    #[test]
    fn a_gradient_leaves_no_difference_and_an_edge_pixel_does() {
        let ramp: Vec<f32> = (0..CROP * CROP).map(|at| (1.0 + (at % CROP) as f32 * 0.1).powi(2)).collect();
        let quiet: Vec<f32> = channels(&ramp).skip(CROP * CROP).collect();
        let least = (LEAST_DIFFERENCE.ln() + 4.5) / 1.5;
        assert!(quiet.iter().all(|h| (h - least).abs() < 0.01));
        let mut spot = ramp;
        spot[CROP * 5 + 7] += 1.0;
        let loud = channels(&spot).skip(CROP * CROP).filter(|h| *h > least + 1.0).count();
        assert_eq!(loud, 4);
        assert_eq!(channels(&spot).count(), CROP_CHANNELS * CROP * CROP);
    }
}
