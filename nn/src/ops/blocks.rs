//! Blocks of 2 × 2 pixels, or of 2 × 2 × 2 voxels, made of one value and back, and blocks of pixels as channels, on the CPU.
//!
//! As operations of a tensor library this is a view whose copy walks through five dimensions pixel by pixel, on one
//! thread.

use rayon::prelude::*;

/// What becomes of blocks; each is the other's gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocks {
    /// Each value fills a block.
    Repeat,
    /// Each block becomes its sum.
    Sum,
}

impl Blocks {
    pub(super) fn adjoint(self) -> Self {
        match self {
            Self::Repeat => Self::Sum,
            Self::Sum => Self::Repeat,
        }
    }
}

/// Sizes on the side of the single values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coarse {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Planes of a block: 1 of images, 2 of volumes.
    pub(super) planes: usize,
}

impl Coarse {
    fn pixels(&self) -> usize {
        self.rows * self.columns
    }

    fn block_pixels(&self) -> usize {
        4 * self.planes * self.pixels()
    }
}

/// Every value, times `factor`, as often as a block has values.
pub(super) fn repeat(x: &[f32], size: Coarse, factor: f32) -> Vec<f32> {
    let columns = size.columns;
    let mut out = vec![0.0; 4 * size.planes * x.len()];
    out.par_chunks_mut(size.block_pixels()).zip(x.par_chunks(size.pixels())).for_each(|(out, x)| {
        let (plane, others) = out.split_at_mut(4 * size.pixels());
        for (rows, from) in plane.chunks_exact_mut(4 * columns).zip(x.chunks_exact(columns)) {
            let (first, second) = rows.split_at_mut(2 * columns);
            for (to, from) in first.chunks_exact_mut(2).zip(from) {
                to.fill(factor * from);
            }
            second.copy_from_slice(first);
        }
        others.chunks_exact_mut(4 * size.pixels()).for_each(|other| other.copy_from_slice(plane));
    });
    out
}

/// Sums of blocks, times `factor`.
pub(super) fn sum(x: &[f32], size: Coarse, factor: f32) -> Vec<f32> {
    let columns = size.columns;
    let mut out = vec![0.0; x.len() / (4 * size.planes)];
    out.par_chunks_mut(size.pixels()).zip(x.par_chunks(size.block_pixels())).for_each(|(out, x)| {
        for plane in x.chunks_exact(4 * size.pixels()) {
            for (to, rows) in out.chunks_exact_mut(columns).zip(plane.chunks_exact(4 * columns)) {
                let (first, second) = rows.split_at(2 * columns);
                let pairs = first.chunks_exact(2).zip(second.chunks_exact(2));
                for (to, (first, second)) in to.iter_mut().zip(pairs) {
                    *to += factor * ((first[0] + first[1]) + (second[0] + second[1]));
                }
            }
        }
    });
    out
}

/// Blocks of pixels that become channels, or channels that become blocks; each is the other's gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folding {
    /// Pixels of a block's side.
    pub(super) side: usize,
    /// Whether channels become blocks.
    pub(super) unfolds: bool,
}

impl Folding {
    pub(super) fn adjoint(self) -> Self {
        Self { unfolds: !self.unfolds, ..self }
    }
}

/// Values in their new order; `rows` and `columns` are those of the folded image.
pub(super) fn fold(x: &[f32], [rows, columns]: [usize; 2], Folding { side, unfolds }: Folding) -> Vec<f32> {
    let block = side * side * rows * columns;
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(out, x)| {
        for channel in 0..side * side {
            for row in 0..rows {
                let folded = (channel * rows + row) * columns;
                let fine = (row * side + channel / side) * columns * side + channel % side;
                if unfolds {
                    let to = out[fine..].iter_mut().step_by(side);
                    to.zip(&x[folded..][..columns]).for_each(|(to, from)| *to = *from);
                } else {
                    let from = x[fine..].iter().step_by(side);
                    out[folded..][..columns].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_repeated_and_blocks_summed() {
        let size = Coarse { rows: 2, columns: 3, planes: 1 };
        let x: Vec<f32> = (1..=12).map(|v| v as f32).collect();
        let out = repeat(&x, size, 1.0);
        let top = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0];
        assert_eq!(out.len(), 48);
        assert_eq!((&out[..6], &out[6..12], &out[46..]), (&top[..], &top[..], &[12.0, 12.0][..]));
        assert_eq!(sum(&out, size, 0.25), x);
        // Of volumes, two planes at a time.
        let size = Coarse { planes: 2, ..size };
        let out = repeat(&x, size, 1.0);
        assert_eq!((out.len(), &out[..6], &out[24..30]), (96, &top[..], &top[..]));
        assert_eq!(sum(&out, size, 0.125), x);
    }

    #[test]
    fn blocks_become_channels_and_come_back() {
        let x: Vec<f32> = (0..48).map(|v| v as f32).collect();
        // Two images of 4 × 6 pixels.
        let folded = fold(&x, [2, 3], Folding { side: 2, unfolds: false });
        assert_eq!(folded[..6], [0.0, 2.0, 4.0, 12.0, 14.0, 16.0]);
        assert_eq!(folded[18..24], [7.0, 9.0, 11.0, 19.0, 21.0, 23.0]);
        assert_eq!(folded[24], 24.0);
        assert_eq!(fold(&folded, [2, 3], Folding { side: 2, unfolds: true }), x);
        let thirds = fold(&x[..36], [1, 4], Folding { side: 3, unfolds: false });
        assert_eq!(thirds[4..8], [1.0, 4.0, 7.0, 10.0]);
        assert_eq!(fold(&thirds, [1, 4], Folding { side: 3, unfolds: true }), x[..36]);
    }

    #[test]
    fn each_is_the_others_adjoint() {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        for planes in [1, 2] {
            let size = Coarse { rows: 2, columns: 3, planes };
            let x: Vec<f32> = (1..=12).map(|v| v as f32).collect();
            // Small integers: every sum is exact.
            let fine: Vec<f32> = (0..48 * planes).map(|v| (v * 37 % 11) as f32).collect();
            assert_eq!(dot(&repeat(&x, size, 1.0), &fine), dot(&x, &sum(&fine, size, 1.0)));
        }
    }
}
