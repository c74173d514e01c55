//! Canny's edges, with thresholds from the image itself.

use super::ssim::gaussian;
use crate::parallel::*;

/// Standard deviation of the smoothing, in pixels.
const SIGMA: f64 = std::f64::consts::SQRT_2;
/// Taps of the smoothing: 4σ on either side.
const TAPS: usize = 13;
/// Share of the pixels that are below the high threshold.
const BELOW: f64 = 0.7;
/// Low threshold over the high one.
const LOW: f32 = 0.4;
/// Bins of the histogram of gradients from which the high threshold is told.
const BINS: usize = 64;

/// Thinned edges of an image, by row: J. Canny, IEEE Trans. PAMI 8:679, 1986.
///
/// Smoothed by a Gaussian of √2 pixels, borders repeated; gradients by central differences; kept where they are the
/// largest along their direction, between pixels linearly; the high threshold is the upper end of the first of 64 bins
/// from 0 to the largest gradient up to which more than 70 % of the pixels lie, the low one 0.4 of it; weak edges stay
/// where they touch strong ones. The outermost pixels have none.
pub(super) fn canny(values: &[f32], [columns, rows]: [usize; 2]) -> Vec<bool> {
    let smooth = smoothed(values, [columns, rows]);
    let field = Field { values: &smooth, columns, rows };
    let mut lengths = vec![0.0_f32; values.len()];
    lengths.par_chunks_mut(columns).enumerate().for_each(|(y, row)| {
        for (x, length) in row.iter_mut().enumerate() {
            let [dx, dy] = field.gradient(x, y);
            *length = (dx * dx + dy * dy).sqrt();
        }
    });
    let Some(high) = high_threshold(&lengths) else { return vec![false; values.len()] };
    let mut strength = vec![Strength::None; values.len()];
    let crests = Field { values: &lengths, columns, rows };
    strength.par_chunks_mut(columns).enumerate().skip(1).take(rows.saturating_sub(2)).for_each(|(y, row)| {
        for x in 1..columns.saturating_sub(1) {
            let length = lengths[y * columns + x];
            if length > LOW * high && crests.is_crest(x, y, field.gradient(x, y)) {
                row[x] = if length > high { Strength::Strong } else { Strength::Weak };
            }
        }
    });
    connected(&mut strength, columns);
    strength.into_iter().map(|s| s == Strength::Strong).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    None,
    Weak,
    Strong,
}

#[derive(Clone, Copy)]
struct Field<'a> {
    values: &'a [f32],
    columns: usize,
    rows: usize,
}

impl Field<'_> {
    fn gradient(self, x: usize, y: usize) -> [f32; 2] {
        let at = |x: usize, y: usize| self.values[y * self.columns + x];
        let (left, right) = (x.saturating_sub(1), (x + 1).min(self.columns - 1));
        let (above, below) = (y.saturating_sub(1), (y + 1).min(self.rows - 1));
        [(at(right, y) - at(left, y)) / 2.0, (at(x, below) - at(x, above)) / 2.0]
    }

    /// Whether an inner pixel exceeds what lies before it along a direction, and is no less than what lies after.
    fn is_crest(self, x: usize, y: usize, [dx, dy]: [f32; 2]) -> bool {
        let here = self.values[y * self.columns + x];
        // Steps of a pixel, as signed distances in the rows' order.
        let across: isize = if dx < 0.0 { -1 } else { 1 };
        let down = self.columns as isize * if dy < 0.0 { -1 } else { 1 };
        let (main, share) =
            if dx.abs() >= dy.abs() { (across, dy.abs() / dx.abs()) } else { (down, dx.abs() / dy.abs()) };
        let index = (y * self.columns + x) as isize;
        let between = |sign: isize| {
            let [near, aslant] = [main, across + down].map(|step| self.values[(index + sign * step) as usize]);
            near + share * (aslant - near)
        };
        here > between(-1) && here >= between(1)
    }
}

fn smoothed(values: &[f32], [columns, rows]: [usize; 2]) -> Vec<f32> {
    let taps: Vec<f32> = gaussian(TAPS, SIGMA).into_iter().map(|tap| tap as f32).collect();
    let reach = TAPS / 2;
    let mut smooth = vec![0.0; values.len()];
    smooth.par_chunks_mut(columns).enumerate().for_each_init(
        || vec![0.0_f32; columns + 2 * reach],
        |padded, (y, out)| {
            padded.fill(0.0);
            for (k, tap) in taps.iter().enumerate() {
                let row = (y + k).saturating_sub(reach).min(rows - 1);
                for (sum, value) in padded[reach..].iter_mut().zip(&values[row * columns..][..columns]) {
                    *sum += tap * value;
                }
            }
            let [first, last] = [padded[reach], padded[reach + columns - 1]];
            padded[..reach].fill(first);
            padded[reach + columns..].fill(last);
            out.fill(0.0);
            for (k, tap) in taps.iter().enumerate() {
                for (sum, value) in out.iter_mut().zip(&padded[k..]) {
                    *sum += tap * value;
                }
            }
        },
    );
    smooth
}

/// The threshold of strong edges, or nothing when there is no gradient at all.
fn high_threshold(lengths: &[f32]) -> Option<f32> {
    let largest = lengths.par_iter().copied().reduce(|| 0.0, f32::max);
    if largest <= 0.0 {
        return None;
    }
    let scale = BINS as f32 / largest;
    let counts = lengths.par_chunks(1 << 16).map(|part| {
        let mut counts = [0_usize; BINS];
        part.iter().for_each(|length| counts[((length * scale) as usize).min(BINS - 1)] += 1);
        counts
    });
    let counts = counts.reduce(|| [0; BINS], |a, b| std::array::from_fn(|i| a[i] + b[i]));
    let mut sum = 0;
    let bin = counts.iter().position(|count| {
        sum += count;
        sum as f64 > BELOW * lengths.len() as f64
    });
    Some(bin.map_or(BINS, |bin| bin + 1) as f32 / scale)
}

/// Makes weak edges strong that touch strong ones, however many weak ones lie between.
fn connected(strength: &mut [Strength], columns: usize) {
    let mut open: Vec<usize> = (0..strength.len()).filter(|&i| strength[i] == Strength::Strong).collect();
    while let Some(index) = open.pop() {
        // Edges are never on the border, so that all eight neighbours are there.
        for row in [index - columns, index, index + columns] {
            for neighbour in [row - 1, row, row + 1] {
                if strength[neighbour] == Strength::Weak {
                    strength[neighbour] = Strength::Strong;
                    open.push(neighbour);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_has_a_thin_closed_edge_where_it_ends() {
        let size = [60, 50];
        let distance = |i: usize| ((i % 60) as f32 - 31.0).hypot((i / 60) as f32 - 24.0);
        let disc: Vec<f32> = (0..3000).map(|i| if distance(i) < 15.5 { 200.0 } else { 20.0 }).collect();
        let edges = canny(&disc, size);
        let found: Vec<usize> = (0..3000).filter(|&i| edges[i]).collect();
        assert!(found.iter().all(|&i| (distance(i) - 15.0).abs() < 1.6));
        // A circle of radius 15 has 85 pixels that touch at corners, 120 that touch at sides, and twice that if thick.
        assert!((85..=120).contains(&found.len()), "{}", found.len());
        for turn in 0..24 {
            let (sin, cos) = (std::f32::consts::TAU * turn as f32 / 24.0).sin_cos();
            let near =
                |&i: &usize| ((i % 60) as f32 - 31.0 - 15.0 * cos).hypot((i / 60) as f32 - 24.0 - 15.0 * sin) < 2.0;
            assert!(found.iter().any(near), "no edge at turn {turn}");
        }
    }

    #[test]
    fn what_is_flat_or_tiny_has_no_edges() {
        for size in [[1, 1], [2, 5], [9, 9]] {
            assert!(canny(&vec![3.0; size[0] * size[1]], size).iter().all(|edge| !edge));
        }
    }
}
