//! G g Gᵀ of all weights.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    super::{TAPS, block::CHANNELS_WIDE},
    PLACES,
};

/// G g Gᵀ of all weights: `[block of outputs][place][in][output of the block]`.
pub(super) fn transformed(
    arch: Arch,
    weight: impl Fn(usize, usize) -> [f32; TAPS] + Sync,
    [out, input]: [usize; 2],
    block: usize,
) -> Vec<f32> {
    let size = PLACES * input * block;
    let mut matrices = vec![0.0; out.div_ceil(block) * size];
    matrices.par_chunks_mut(size).enumerate().for_each(|(index, matrices)| {
        let outputs = index * block..out.min((index + 1) * block);
        arch.dispatch(Matrices { weight: &weight, outputs, input, block, matrices });
    });
    matrices
}

/// The matrices of one block of outputs.
struct Matrices<'a, F> {
    weight: &'a F,
    outputs: Range<usize>,
    input: usize,
    block: usize,
    matrices: &'a mut [f32],
}

impl<F: Fn(usize, usize) -> [f32; TAPS]> WithSimd for Matrices<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { weight, outputs, input, block, matrices } = self;
        for channel in 0..input {
            // Narrow blocks are the first half of a wide one.
            let mut g = [[0.0; CHANNELS_WIDE]; TAPS];
            for (lane, output) in outputs.clone().enumerate() {
                let taps = weight(output, channel);
                for tap in 0..TAPS {
                    g[tap][lane] = taps[tap];
                }
            }
            let columns = [sides([g[0], g[3], g[6]]), sides([g[1], g[4], g[7]]), sides([g[2], g[5], g[8]])];
            for row in 0..4 {
                let places = sides([columns[0][row], columns[1][row], columns[2][row]]);
                for (column, values) in places.iter().enumerate() {
                    let to = &mut matrices[((row * 4 + column) * input + channel) * block..][..block];
                    match to.first_chunk_mut() {
                        Some(to) => *to = *values,
                        None => to.copy_from_slice(&values[..block]),
                    }
                }
            }
        }
    }
}

/// G g of each lane.
#[inline(always)]
fn sides([a, b, c]: [[f32; CHANNELS_WIDE]; 3]) -> [[f32; CHANNELS_WIDE]; 4] {
    let mut inner = [[0.0; CHANNELS_WIDE]; 2];
    for lane in 0..CHANNELS_WIDE {
        inner[0][lane] = 0.5 * (a[lane] + c[lane] + b[lane]);
        inner[1][lane] = 0.5 * (a[lane] + c[lane] - b[lane]);
    }
    [a, inner[0], inner[1], c]
}
