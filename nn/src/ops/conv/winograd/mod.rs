//! 3 × 3 convolution by Winograd's minimal filtering, with 16 multiplications where the direct sum has 36.
//!
//! F(2 × 2, 3 × 3) of Lavin & Gray (2016, section 4.1) after Winograd (1980): the plane is cut into tiles of 2 × 2
//! outputs, each of which sees 4 × 4 inputs d.
//!
//! ```text
//! out = Aᵀ [ Σ_c (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//!
//!      ⎡1  0 −1  0⎤        ⎡ 1   0   0⎤
//! Bᵀ = ⎢0  1  1  0⎥    G = ⎢ ½   ½   ½⎥    Aᵀ = ⎡1  1  1  0⎤
//!      ⎢0 −1  1  0⎥        ⎢ ½  −½   ½⎥         ⎣0  1 −1 −1⎦
//!      ⎣0  1  0 −1⎦        ⎣ 0   0   1⎦
//! ```
//!
//! where g are the weights of an input channel c for an output channel. The sum over channels is, for each of the 16
//! places of a tile, a product of the matrices [out × in] and [in × tiles]. Larger tiles save more multiplications, but
//! multiply by factors beyond ±1 and lose digits; this one stays within a few times the error of the direct sum.
//!
//! A task is a run of tiles, numbered through all images, small enough that what is made of its inputs and outputs stays
//! in the second cache. Every sum runs over channels in order, whatever the runs and threads.

mod transforms;
mod weights;

use std::{cell::Cell, mem::MaybeUninit, ops::Range};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Added, Planes, Slices, TAPS,
    block::{Block, CHANNELS_NARROW, CHANNELS_WIDE, VECTORS, product},
};

/// Places of a transformed tile.
const PLACES: usize = 16;
/// Floats of a cache line. What belongs to neighbouring places is one line more than a multiple of 4096 bytes apart:
/// the 16 places are written at the same time, and would otherwise share one set of the first cache.
const LINE: usize = 16;
/// Floats that transformed inputs and outputs of a run may take.
const RUN_FLOATS: usize = 192 << 10;
/// Fewer channels than these, and the transformations take longer than what they save.
const LEAST_CHANNELS: usize = 32;
/// Output channels of a task at least, where there are too few runs for all threads.
const LEAST_OUTPUTS: usize = 32;

thread_local! {
    /// Memory that stays with a thread between runs: transformed inputs and outputs.
    static KEPT: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Whether the sizes are worth it.
pub(super) fn suits(planes: Planes, out: usize) -> bool {
    planes.channels.min(out) >= LEAST_CHANNELS && planes.rows.min(planes.columns) >= 4
}

/// Tiles of all images, numbered row by row.
#[derive(Clone, Copy)]
struct Grid {
    slices: Slices,
    planes: Planes,
    rows: usize,
    columns: usize,
}

impl Grid {
    fn new(slices: Slices) -> Self {
        let planes = slices.planes;
        Self { slices, planes, rows: planes.rows.div_ceil(2), columns: planes.columns.div_ceil(2) }
    }

    fn tiles(&self) -> usize {
        self.planes.count * self.rows * self.columns
    }

    /// The pieces of rows that the tiles `first..last` consist of.
    fn pieces(&self, first: usize, last: usize) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity((last - first) / self.columns + 2);
        let mut tile = first;
        while tile < last {
            let (row, column) = (tile / self.columns, tile % self.columns);
            let count = (self.columns - column).min(last - tile);
            pieces.push(Piece { image: row / self.rows, row: row % self.rows, column, count, at: tile - first });
            tile += count;
        }
        pieces
    }
}

/// Neighbouring tiles of one row of tiles.
#[derive(Clone, Copy)]
struct Piece {
    image: usize,
    row: usize,
    column: usize,
    count: usize,
    /// Number of the first in its run.
    at: usize,
}

/// Images or volumes of `out` channels; `weight` gives the taps of an output and an input.
pub(super) fn convolve(
    arch: Arch,
    input: &[f32],
    slices: Slices,
    weight: impl Fn(usize, usize) -> [f32; TAPS] + Sync,
    added: Added,
    out: usize,
) -> Vec<f32> {
    let Block { channels: block, positions: step } = Block::of(arch);
    let (grid, planes) = (Grid::new(slices), slices.planes);
    let matrices = weights::transformed(arch, weight, [out, planes.channels], block);
    let length = (RUN_FLOATS / (PLACES * (planes.channels + out)) / step).clamp(1, 8) * step;
    let runs = grid.tiles().div_ceil(length);
    let blocks = out.div_ceil(block);
    let parts = (4 * rayon::current_num_threads()).div_ceil(runs).clamp(1, (out / LEAST_OUTPUTS).max(1));
    let part = blocks.div_ceil(parts);
    let elements = planes.count * out * planes.pixels();
    let mut output = Vec::with_capacity(elements);
    let target = Target(output.spare_capacity_mut().as_mut_ptr());
    (0..runs * blocks.div_ceil(part)).into_par_iter().for_each(|task| {
        let (run, part_index) = (task % runs, task / runs);
        let mut kept = KEPT.take();
        arch.dispatch(Run {
            input,
            matrices: &matrices,
            added,
            grid,
            out,
            length,
            tiles: run * length..grid.tiles().min((run + 1) * length),
            outputs: part_index * part * block..out.min((part_index + 1) * part * block),
            target: &target,
            kept: &mut kept,
        });
        KEPT.set(kept);
    });
    // SAFETY: every tile belongs to one run, every output channel to one part, and each task writes all pixels of both.
    unsafe { output.set_len(elements) };
    output
}

/// Where tasks write, each its own pixels.
struct Target(*mut MaybeUninit<f32>);

// SAFETY: tasks write disjoint pixels and read none.
unsafe impl Sync for Target {}

/// A run of tiles for some of the output channels.
struct Run<'a> {
    input: &'a [f32],
    matrices: &'a [f32],
    added: Added<'a>,
    grid: Grid,
    /// Output channels altogether.
    out: usize,
    /// Tiles of a run that is not the last.
    length: usize,
    tiles: Range<usize>,
    outputs: Range<usize>,
    target: &'a Target,
    kept: &'a mut Vec<f32>,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, CHANNELS_WIDE>(simd);
        } else {
            self.run::<S, CHANNELS_NARROW>(simd);
        }
    }
}

impl Run<'_> {
    #[inline(always)]
    fn run<S: Simd, const CHANNELS: usize>(self, simd: S) {
        let step = VECTORS * S::F32_LANES;
        let channels = self.grid.planes.channels;
        let outputs = self.outputs.len().next_multiple_of(CHANNELS);
        let steps = self.tiles.len().div_ceil(step);
        let pieces = self.grid.pieces(self.tiles.start, self.tiles.end);
        // [place][step][channel][tile], [place][output][tile] and, of one channel, [row][place in it][tile].
        let (apart_in, apart_out) = (spread(channels * self.length), spread(outputs * self.length));
        let apart_row = self.length + LINE;
        let needed = PLACES * (apart_in + apart_out + apart_row);
        let mut kept = std::mem::take(self.kept);
        if kept.len() < needed + LINE {
            kept.resize(needed + LINE, 0.0);
        }
        let skipped = kept.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        let (inputs, rest) = kept[skipped..].split_at_mut(PLACES * apart_in);
        let (products, tile) = rest.split_at_mut(PLACES * apart_out);
        for channel in 0..channels {
            self.rows_transformed(&pieces, channel, tile, apart_row);
            self.columns_transformed(simd, channel, steps, (tile, apart_row), (inputs, apart_in));
        }
        let size = PLACES * channels * CHANNELS;
        for place in 0..PLACES {
            for group in 0..outputs / CHANNELS {
                let block = self.outputs.start / CHANNELS + group;
                let weights = &self.matrices[block * size + place * channels * CHANNELS..][..channels * CHANNELS];
                for index in 0..steps {
                    let pixels = &inputs[place * apart_in + index * channels * step..][..channels * step];
                    let at = place * apart_out + (group * steps + index) * CHANNELS * step;
                    let to = &mut products[at..at + CHANNELS * step];
                    product::<S, CHANNELS>(simd, weights, (pixels, step), to);
                }
            }
        }
        for output in 0..self.outputs.len() {
            let at = (output / CHANNELS * steps * CHANNELS + output % CHANNELS) * step;
            self.untransformed::<S, CHANNELS>(
                simd,
                self.outputs.start + output,
                steps,
                (&products[at..], apart_out),
                tile,
            );
            self.store(&pieces, self.outputs.start + output, tile);
        }
        *self.kept = kept;
    }
}

/// Distance of places that hold `floats` each.
fn spread(floats: usize) -> usize {
    floats.next_multiple_of(1024) + LINE
}

#[cfg(test)]
mod tests {
    use super::super::{
        taps,
        tests::{oracle, values},
    };
    use super::*;

    /// Odd sizes, rows shorter and longer than a line of tiles, runs that end within rows, several images, one pixel.
    const SHAPES: [([usize; 4], usize); 8] = [
        ([1, 1, 1, 1], 1),
        ([2, 3, 5, 7], 9),
        ([1, 33, 8, 64], 40),
        ([3, 32, 7, 6], 35),
        ([1, 40, 19, 67], 64),
        ([2, 5, 34, 33], 3),
        ([5, 16, 4, 4], 17),
        ([1, 300, 6, 10], 32),
    ];

    fn given(p: Planes, out: usize) -> [Vec<f32>; 3] {
        [values(p.count * p.channels * p.pixels(), 1), values(out * p.channels * TAPS, 2), values(out, 3)]
    }

    #[test]
    fn outputs_are_those_of_the_formula() {
        for (shape, out) in SHAPES {
            let p = Planes::new(shape);
            let [input, weight, bias] = given(p, out);
            let onto = values(p.count * out * p.pixels(), 4);
            let added = Added { bias: Some(&bias), onto: Some(&onto) };
            let run = |weight: &[f32]| {
                convolve(Arch::new(), &input, Slices::images(p), |o, c| taps(weight, p.channels, o, c), added, out)
            };
            let want: Vec<f64> = oracle(&input, p, &weight, out)
                .iter()
                .enumerate()
                .map(|(i, want)| want + f64::from(bias[i / p.pixels() % out]) + f64::from(onto[i]))
                .collect();
            let error = |got: &[f32]| {
                got.iter().zip(&want).map(|(got, want)| (f64::from(*got) - want).abs()).fold(0.0, f64::max)
            };
            let got = run(&weight);
            assert_eq!(got.len(), want.len());
            // The same in blocks of the processors with the fewest registers.
            let weights = |o, c| taps(&weight, p.channels, o, c);
            let narrow = convolve(Arch::Scalar, &input, Slices::images(p), weights, added, out);
            // Products of up to 9 · 4 numbers below 1, summed over channels in single precision.
            let bound = 4e-6 * (p.channels as f64).sqrt();
            assert!(error(&got) < bound, "{shape:?}: {:e}", error(&got));
            assert!(error(&narrow) < bound, "{shape:?}: {:e}", error(&narrow));
            // The control: one weight of thousands, changed in its fourth digit.
            let mut changed = weight.clone();
            changed[out * p.channels * TAPS / 2] += 1e-3;
            assert!(error(&run(&changed)) > bound, "{shape:?}: {:e}", error(&run(&changed)));
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        for (shape, out) in SHAPES {
            let p = Planes::new(shape);
            let [input, weight, bias] = given(p, out);
            let [one, two, nine] = [1, 2, 9].map(|count| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
                let weights = |o, c| taps(&weight, p.channels, o, c);
                pool.install(|| {
                    convolve(
                        Arch::new(),
                        &input,
                        Slices::images(p),
                        weights,
                        Added { bias: Some(&bias), onto: None },
                        out,
                    )
                })
            });
            assert!(one == two && one == nine, "{shape:?}");
        }
    }

    #[test]
    fn what_a_thread_kept_does_not_show() {
        let p = Planes::new([1, 32, 6, 10]);
        let [input, weight, bias] = given(p, 32);
        let weights = |o, c| taps(&weight, p.channels, o, c);
        let added = Added { bias: Some(&bias), onto: None };
        let run = |input: &[f32]| convolve(Arch::new(), input, Slices::images(p), weights, added, 32);
        let want = run(&input);
        run(&vec![f32::NAN; input.len()]);
        assert!(run(&input) == want);
    }
}
