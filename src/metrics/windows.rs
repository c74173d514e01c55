//! Local means, variances and covariances under a sliding window, and the two terms of SSIM from them.

use crate::{parallel::*, vectorised::vectorised};

/// Rows that one thread makes at a time; fixed, so that sums are the same on every machine.
const STRIP_ROWS: usize = 128;
/// Outputs filtered at a time, which stay in registers and the first cache.
const BLOCK: usize = 64;

/// Images whose local means are taken: x, y, x² + y² and x·y. Variances are needed as a sum alone.
const MOMENTS: usize = 4;
type Rows = [Vec<f64>; MOMENTS];

/// A separable window and what makes a covariance of its means.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    /// Weights along either axis; their sum is 1.
    pub(super) taps: Vec<f64>,
    /// Factor on variances and covariances: 1, or N/(N − 1) for the sample's.
    pub(super) covariance_scale: f64,
}

/// Means over the image of the terms of SSIM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    /// Luminance, contrast and structure together.
    pub(super) ssim: f64,
    /// Contrast and structure alone.
    pub(super) structure: f64,
}

/// The constants of SSIM.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constants {
    c1: f64,
    c2: f64,
}

impl Constants {
    /// K₁ and K₂ of Wang et al. 2004.
    const K: [f64; 2] = [0.01, 0.03];

    /// Constants for a range of values.
    pub(super) fn of_range(range: f64) -> Self {
        let [c1, c2] = Self::K.map(|k| (k * range).powi(2));
        Self { c1, c2 }
    }
}

impl Window {
    /// Terms over all places where the window lies within the image, whose sides must not be shorter than it.
    pub(super) fn terms<T>(&self, pair: [&[T]; 2], [columns, rows]: [usize; 2], constants: Constants) -> Terms
    where
        T: Copy + Into<f64> + Sync,
    {
        let reach = self.taps.len() - 1;
        let count = ((columns - reach) * (rows - reach)) as f64;
        let sums = self.sums(pair, [columns, rows], constants, |_, values| values.iter().sum());
        Terms { ssim: sums[0] / count, structure: sums[1] / count }
    }

    /// Mean SSIM over the places at which the window lies within the image and its middle in the mask; `None` if there are none.
    pub(super) fn ssim_within<T>(
        &self,
        pair: [&[T]; 2],
        [columns, rows]: [usize; 2],
        constants: Constants,
        mask: &[bool],
    ) -> Option<f64>
    where
        T: Copy + Into<f64> + Sync,
    {
        let reach = self.taps.len() - 1;
        let (across, down) = (columns - reach, rows - reach);
        // Pixels in the middle of the windows of output row `row`.
        let middles = |row: usize| &mask[(row + reach / 2) * columns + reach / 2..][..across];
        let count: usize = (0..down).map(|row| middles(row).iter().filter(|&&is_in| is_in).count()).sum();
        let [sum, _] = self.sums(pair, [columns, rows], constants, |row, values| {
            values.iter().zip(middles(row)).filter(|(_, is_in)| **is_in).map(|(value, _)| value).sum()
        });
        (count > 0).then(|| sum / count as f64)
    }

    /// Sums of both terms, of each output row as `sum_of` adds it up.
    fn sums<T>(
        &self,
        [x, y]: [&[T]; 2],
        [columns, rows]: [usize; 2],
        constants: Constants,
        sum_of: impl Fn(usize, &[f64]) -> f64 + Sync,
    ) -> [f64; 2]
    where
        T: Copy + Into<f64> + Sync,
    {
        let reach = self.taps.len() - 1;
        let down = rows - reach;
        let strips: Vec<[f64; 2]> = (0..down.div_ceil(STRIP_ROWS))
            .into_par_iter()
            .map(|strip| {
                let first = strip * STRIP_ROWS;
                let last = (first + STRIP_ROWS).min(down);
                let rows = first * columns..(last + reach) * columns;
                self.strip([&x[rows.clone()], &y[rows]], columns, constants, |row, values| sum_of(first + row, values))
            })
            .collect();
        [0, 1].map(|term| strips.iter().map(|sums| sums[term]).sum())
    }

    /// Sums of both terms over the output rows of a strip, which has as many rows more as the window reaches.
    fn strip<T: Copy + Into<f64>>(
        &self,
        [x, y]: [&[T]; 2],
        columns: usize,
        constants: Constants,
        sum_of: impl Fn(usize, &[f64]) -> f64,
    ) -> [f64; 2] {
        let length = self.taps.len();
        let across = columns + 1 - length;
        let rows_of = |width: usize| -> Rows { std::array::from_fn(|_| vec![0.0; width]) };
        let (mut products, mut means) = (rows_of(columns), rows_of(across));
        let mut ring: Vec<Rows> = (0..length).map(|_| rows_of(across)).collect();
        let [mut ssim, mut structure] = [vec![0.0; across], vec![0.0; across]];
        let mut sums = [0.0; 2];
        for (row, (x, y)) in x.chunks_exact(columns).zip(y.chunks_exact(columns)).enumerate() {
            multiply(x, y, &mut products);
            for (product, filtered) in products.iter().zip(&mut ring[row % length]) {
                filter_across(product, &self.taps, filtered);
            }
            if row + 1 < length {
                continue;
            }
            for (moment, mean) in means.iter_mut().enumerate() {
                let rows: Vec<&[f64]> = (0..length).map(|k| ring[(row + 1 + k) % length][moment].as_slice()).collect();
                filter_down(&rows, &self.taps, mean);
            }
            compare(&means, self.covariance_scale, constants, &mut ssim, &mut structure);
            sums[0] += sum_of(row + 1 - length, &ssim);
            sums[1] += sum_of(row + 1 - length, &structure);
        }
        sums
    }
}

fn multiply<T: Copy + Into<f64>>(x: &[T], y: &[T], products: &mut Rows) {
    let [first, second, squares, product] = products;
    let outputs = first.iter_mut().zip(second).zip(squares).zip(product);
    for ((&x, &y), (((first, second), squares), product)) in x.iter().zip(y).zip(outputs) {
        let (x, y) = (x.into(), y.into());
        (*first, *second, *squares, *product) = (x, y, x * x + y * y, x * y);
    }
}

vectorised! {
    fn filter_across(row: &[f64], taps: &[f64], means: &mut [f64]) {
        for (block, out) in means.chunks_mut(BLOCK).enumerate() {
            let mut sums = [0.0; BLOCK];
            for (k, tap) in taps.iter().enumerate() {
                let values = &row[block * BLOCK + k..][..out.len()];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += tap * value;
                }
            }
            out.copy_from_slice(&sums[..out.len()]);
        }
    }
}

vectorised! {
    fn filter_down(rows: &[&[f64]], taps: &[f64], means: &mut [f64]) {
        for (block, out) in means.chunks_mut(BLOCK).enumerate() {
            let mut sums = [0.0; BLOCK];
            for (row, tap) in rows.iter().zip(taps) {
                for (sum, value) in sums.iter_mut().zip(&row[block * BLOCK..][..out.len()]) {
                    *sum += tap * value;
                }
            }
            out.copy_from_slice(&sums[..out.len()]);
        }
    }
}

vectorised! {
    /// Equal images give exactly 1: numerators and denominators are then the same products, twice and as a sum.
    fn compare(means: &Rows, scale: f64, constants: Constants, ssim: &mut [f64], structure: &mut [f64]) {
        let Constants { c1, c2 } = constants;
        let [first, second, squares, product] = means;
        let moments = first.iter().zip(second).zip(squares).zip(product);
        for ((((x, y), squares), product), (ssim, structure)) in moments.zip(ssim.iter_mut().zip(structure)) {
            let (xy, xx_yy) = (x * y, x * x + y * y);
            let covariance = scale * (product - xy);
            let variances = scale * (squares - xx_yy);
            let term = (2.0 * covariance + c2) / (variances + c2);
            *structure = term;
            *ssim = (2.0 * xy + c1) / (xx_yy + c1) * term;
        }
    }
}
