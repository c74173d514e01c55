//! Borders of a collimated field, from sums of steps. Tier E.
//!
//! The blades of a collimator leave straight steps, parallel to the rows and columns of the detector. For each side:
//!
//! 1. The image is cut into [`BANDS`] bands across the side. In a band a column (row) has a step when its sum is more
//!    than [`MULTIPLE`] (or [`MULTIPLE_INWARD`]) times the median of all columns of that band, which is noise and anatomy, and more than
//!    1/[`LEAST_SHARE`] of the grey levels per pixel.
//! 2. Columns with a step in at least [`LEAST_BANDS`] bands are straight edges. The outline of a body is one in a
//!    band or two at most, where it happens to be parallel.
//! 3. The one with the largest sum over all bands is the border, if it lies in the outer [`REACH_PERCENT`] % of the
//!    image; of equal ones the outermost. Without any, the border is the edge of the image.
//!
//! Limits: fields of less than a quarter of the image across a border, blades that are turned by more than one pixel
//! in [`LEAST_BANDS`] bands (0.2° at 1000 pixels), or a penumbra so wide that no single step stands out are not found.
//! Straight metal parts may be taken for blades. Sides below [`LEAST_SIDE`] pixels are not looked at.
//!
//! Shapes: `[left, top, right, bottom]`, right and bottom exclusive ← `[band][column]`, `[row][band]`.

use super::collimation::Blades;
use crate::kernels::prelude::*;

kernel! {
    /// Search for the borders of a field.
    struct Borders {
        /// Columns and rows of the image.
        columns, rows: u32,
        /// Least step per pixel, in grey levels, and how many times the median step an edge must be.
        least_step, multiple: u32,
        /// Part of the image in which borders lie, in percent of its length; bands that an edge must be in; shortest
        /// side that is looked at, in pixels.
        reach_percent, least_bands, least_side: u32,
        /// Bits of the sides that are looked at: left, top, right, bottom.
        sides: u32,
    }
    shader mask/borders, Exact, [256, 1];
    reads step_right[BANDS, columns]: whole of u32, step_down[rows, BANDS]: whole of u32;
    writes borders[1, 4]: u32;
    // A median takes one pass per bit.
    domain |output| Domain::groups(1, 1, SHADER.workgroup[0], 4.0 * 32.0 * f64::from(BANDS) * f64::from(columns + rows));
}

/// Bands that an edge is looked for in.
pub const BANDS: u32 = 16;
/// How many times the median step of its band an edge must be. The largest of many sums of noise is less than twice
/// their median from ten pixels per band on.
pub const MULTIPLE: u32 = 4;
/// The same for steps down towards the middle alone: half of what noise and anatomy make.
pub const MULTIPLE_INWARD: u32 = 2 * MULTIPLE;
/// Part of the grey levels that an edge must step by: 1/128.
pub const LEAST_SHARE: u32 = 128;
/// Bands that an edge must be in.
pub const LEAST_BANDS: u32 = 4;
/// Part of the image, from every side, in which borders lie.
pub const REACH_PERCENT: u32 = 45;
/// Shortest side that is looked at: two pixels per band.
pub const LEAST_SIDE: u32 = 2 * BANDS;

/// Records the borders of an image of `size` pixels of `levels` grey levels from its steps in both directions.
pub fn record(
    graph: &mut Graph<'_>,
    step_right: Buffer<u32>,
    step_down: Buffer<u32>,
    [columns, rows]: [u32; 2],
    levels: u32,
    blades: Blades,
) -> Buffer<u32> {
    let kernel = Borders {
        columns,
        rows,
        least_step: levels / LEAST_SHARE,
        multiple: if blades == Blades::Any { MULTIPLE } else { MULTIPLE_INWARD },
        reach_percent: REACH_PERCENT,
        least_bands: LEAST_BANDS,
        least_side: LEAST_SIDE,
        sides: blades.sides(),
    };
    kernel.compute(graph, "borders", step_right, step_down, "mask.borders")
}

fn twin(kernel: &Borders, _: &Block, step_right: &[u32], step_down: &[u32], borders: &mut [u32]) {
    let [columns, rows, bands] = [kernel.columns, kernel.rows, BANDS].map(|n| n as usize);
    let [left, right] = sides(kernel, kernel.sides, columns, rows, |band, i| step_right[band * columns + i]);
    let [top, bottom] = sides(kernel, kernel.sides >> 1, rows, columns, |band, i| step_down[i * bands + band]);
    borders.copy_from_slice(&[left, top, right, bottom]);
}

/// The low and the high border along one direction, which bits 0 and 2 of `looked_at` allow.
fn sides(
    kernel: &Borders,
    looked_at: u32,
    length: usize,
    across: usize,
    step: impl Fn(usize, usize) -> u32,
) -> [u32; 2] {
    let (mut low, mut high) = ((0, 0), (0, length));
    if length.min(across) < kernel.least_side as usize {
        return [0, length as u32];
    }
    let (bands, multiple) = (BANDS as usize, kernel.multiple);
    let thresholds: Vec<u32> = (0..bands)
        .map(|band| {
            let mut steps: Vec<u32> = (0..length - 1).map(|i| step(band, i)).collect();
            let middle = (length - 2) / 2;
            let median = *steps.select_nth_unstable(middle).1;
            let width = (band + 1) * across / bands - band * across / bands;
            (multiple * median.min(u32::MAX / multiple)).max((width * kernel.least_step as usize) as u32)
        })
        .collect();
    let reach = length * kernel.reach_percent as usize / 100;
    for border in (1..=reach).chain(length - reach..length) {
        let (mut score, mut count) = (0, 0);
        for (band, threshold) in thresholds.iter().enumerate() {
            let value = step(band, border - 1);
            score += value;
            count += u32::from(value > *threshold);
        }
        if count < kernel.least_bands {
            continue;
        }
        if border <= reach && looked_at & 1 != 0 && score > low.0 {
            low = (score, border);
        }
        if border >= length - reach && looked_at & 4 != 0 && score >= high.0 {
            high = (score, border);
        }
    }
    [low.1 as u32, high.1 as u32]
}
