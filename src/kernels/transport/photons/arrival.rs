//! What a detector gets of a photon: twin of `shaders/transport/arrival.wgsl`.

use super::{Bound, Photon, Photons, composition, dot, drawn, path_of, unit, xyz};
use crate::kernels::prelude::*;
use crate::kernels::transport::tally::{BATCHES, LEDGER, PIXEL_SUMS};

/// The pixel that a photon flies to, if it does.
#[inline(always)]
fn pixel_of(kernel: &Photons, photon: &Photon) -> Option<u32> {
    let towards = |affine: [f32; 4]| dot(xyz(affine), photon.step);
    let at = |affine: [f32; 4]| dot(xyz(affine), photon.position) + affine[3];
    let (speed, height) = (-towards(kernel.height), at(kernel.height));
    if speed < 1e-6 || height <= 0.0 {
        return None;
    }
    let path = height * reciprocal(speed);
    let column = at(kernel.column) + path * towards(kernel.column);
    let row = at(kernel.row) + path * towards(kernel.row);
    let is_within =
        column >= 0.0 && column < kernel.detector_columns as f32 && row >= 0.0 && row < kernel.detector_rows as f32;
    is_within.then(|| row as u32 * kernel.detector_columns + column as u32)
}

/// A share of a photon on its way to the detector; the amount's part behind the point is kept with its probability.
#[inline(always)]
pub(super) fn arrive(bound: Bound<'_>, photon: &Photon, share: f32, word: u32) {
    let kernel = bound.kernel;
    if let Some(pixel) = pixel_of(kernel, photon) {
        let amount = bound.lists[(3 * kernel.bins + photon.node) as usize];
        let amount = (amount as f32 * share + unit(word)) as u32;
        let sum = (LEDGER + kernel.regions * BATCHES + pixel * PIXEL_SUMS + 2 * photon.class) as usize;
        bound.tallies.add(sum, amount);
        bound.tallies.add(sum + 1, amount * amount);
    }
}

/// Gives the detector the share of a photon that is expected to get there without another interaction: the product of 1 − ½·µ/µ_max
/// at the ends of paths that are half as long as free ones, whose mean is the exponential of the line integral.
#[inline(always)]
pub(super) fn expect(bound: Bound<'_>, photon: &mut Photon) {
    let Bound { kernel, numbers, .. } = bound;
    if pixel_of(kernel, photon).is_none() {
        return;
    }
    let row = (photon.node * (1 + 3 * kernel.materials)) as usize;
    let ratios = &numbers[row + 1..row + 1 + kernel.materials as usize];
    let (mut share, mut position) = (1.0_f32, photon.position);
    'paths: loop {
        for word in drawn(kernel, photon) {
            let path = path_of(0.5 * numbers[row], word);
            position = std::array::from_fn(|i| position[i] + photon.step[i] * path);
            if !(0..3).all(|i| position[i] >= 0.0 && position[i] < kernel.size[i]) {
                break 'paths;
            }
            let (_, fractions) = composition(bound, position);
            let sum = fractions.iter().zip(ratios).fold(0.0, |sum, (fraction, ratio)| sum + fraction * ratio);
            share *= 1.0 - 0.5 * sum;
        }
    }
    let [word, ..] = drawn(kernel, photon);
    arrive(bound, photon, share, word);
}
