//! Bᵀ d B of the inputs of a run, Aᵀ m A of its outputs.

use pulp::Simd;

use super::{
    super::{Planes, block::VECTORS},
    LINE, PLACES, Piece, Run,
};

/// Pixels that a line of tiles sees of a row.
const WINDOW: usize = 2 * LINE;

impl Run<'_> {
    /// d B of one channel: `[row][place in it][tile]`.
    #[inline(always)]
    pub(super) fn rows_transformed(&self, pieces: &[Piece], channel: usize, tile: &mut [f32], apart: usize) {
        let Planes { rows, columns, .. } = self.grid.planes;
        for piece in pieces {
            let plane = self.grid.slices.plane(piece.image, channel).map(|plane| plane * rows * columns);
            for row in 0..4 {
                let to = &mut tile[row * 4 * apart + piece.at..];
                // Row −1 is the border's, and so is every row of a slice beyond the volume.
                let from = (2 * piece.row + row).checked_sub(1).filter(|y| *y < rows);
                let from = plane.zip(from).map(|(plane, y)| plane + y * columns);
                for done in (0..piece.count).step_by(LINE) {
                    let mut transformed = [[0.0; LINE]; 4];
                    if let Some(from) = from {
                        let [near, far] = self.windows(from, 2 * (piece.column + done));
                        for tile in 0..LINE {
                            let [a, b, c, d] = [near[2 * tile], near[2 * tile + 1], far[2 * tile], far[2 * tile + 1]];
                            transformed[0][tile] = a - c;
                            transformed[1][tile] = b + c;
                            transformed[2][tile] = c - b;
                            transformed[3][tile] = b - d;
                        }
                    }
                    // What is written behind a piece is overwritten by the next, or behind the last tile.
                    for (place, values) in transformed.iter().enumerate() {
                        to[place * apart + done..][..LINE].copy_from_slice(values);
                    }
                }
            }
        }
    }

    /// Pixels of a row from the one before `column` and the one after it on, with the border's zeros; what lies behind the
    /// border is not looked at by a tile of this row.
    #[inline(always)]
    fn windows(&self, row: usize, column: usize) -> [[f32; WINDOW]; 2] {
        let start = (row + column).wrapping_sub(1);
        let inside = u32::from(column == 0)..(self.grid.planes.columns + 1 - column).min(WINDOW + 2) as u32;
        let mut windows = [0, 2].map(|skipped| {
            let start = start.wrapping_add(skipped);
            match self.input.get(start..).and_then(<[f32]>::first_chunk) {
                Some(window) => *window,
                None => ends(self.input, start),
            }
        });
        if inside.start > 0 || inside.end < WINDOW as u32 + 2 {
            for (index, value) in windows[0].iter_mut().enumerate() {
                *value = if inside.contains(&(index as u32)) { *value } else { 0.0 };
            }
            for (index, value) in windows[1].iter_mut().enumerate() {
                *value = if index as u32 + 2 < inside.end { *value } else { 0.0 };
            }
        }
        windows
    }

    /// Bᵀ (d B) into its place among all channels.
    #[inline(always)]
    pub(super) fn columns_transformed<S: Simd>(
        &self,
        simd: S,
        channel: usize,
        steps: usize,
        (tile, apart_row): (&[f32], usize),
        (inputs, apart): (&mut [f32], usize),
    ) {
        let channels = self.grid.planes.channels;
        let (tile, inputs) = (S::as_simd_f32s(tile).0, S::as_mut_simd_f32s(inputs).0);
        let (apart_row, apart) = (apart_row / S::F32_LANES, apart / S::F32_LANES);
        for index in 0..steps {
            for vector in 0..VECTORS {
                let tile = &tile[index * VECTORS + vector..][..(PLACES - 1) * apart_row + 1];
                let to = &mut inputs[(index * channels + channel) * VECTORS + vector..][..(PLACES - 1) * apart + 1];
                for column in 0..4 {
                    let mut d = [simd.splat_f32s(0.0); 4];
                    for row in 0..4 {
                        d[row] = tile[(row * 4 + column) * apart_row];
                    }
                    to[column * apart] = simd.sub_f32s(d[0], d[2]);
                    to[(4 + column) * apart] = simd.add_f32s(d[1], d[2]);
                    to[(8 + column) * apart] = simd.sub_f32s(d[2], d[1]);
                    to[(12 + column) * apart] = simd.sub_f32s(d[1], d[3]);
                }
            }
        }
    }

    /// Aᵀ m A of one output channel with its bias: `[row][column][tile]`.
    #[inline(always)]
    pub(super) fn untransformed<S: Simd, const CHANNELS: usize>(
        &self,
        simd: S,
        output: usize,
        steps: usize,
        (products, apart): (&[f32], usize),
        tile: &mut [f32],
    ) {
        let bias = simd.splat_f32s(self.added.bias.map_or(0.0, |bias| bias[output]));
        let (products, tile) = (S::as_simd_f32s(products).0, S::as_mut_simd_f32s(tile).0);
        let (apart, length) = (apart / S::F32_LANES, self.length / S::F32_LANES);
        for index in 0..steps {
            for vector in 0..VECTORS {
                let m = &products[index * CHANNELS * VECTORS + vector..][..(PLACES - 1) * apart + 1];
                let to = &mut tile[index * VECTORS + vector..][..3 * length + 1];
                let mut rows = [[simd.splat_f32s(0.0); 4]; 2];
                for column in 0..4 {
                    let mut d = [simd.splat_f32s(0.0); 4];
                    for row in 0..4 {
                        d[row] = m[(row * 4 + column) * apart];
                    }
                    [rows[0][column], rows[1][column]] = both(simd, d);
                }
                for row in 0..2 {
                    let values = both(simd, rows[row]);
                    for column in 0..2 {
                        to[(row * 2 + column) * length] = simd.add_f32s(values[column], bias);
                    }
                }
            }
        }
    }

    /// Writes `[row][column][tile]` to one output channel's planes, and adds what is added.
    #[inline(always)]
    pub(super) fn store(&self, pieces: &[Piece], output: usize, tile: &[f32]) {
        let Planes { rows, columns, .. } = self.grid.planes;
        for piece in pieces {
            for row in 0..2.min(rows - 2 * piece.row) {
                let plane = self.grid.slices.output(piece.image, output, self.out);
                let start = (plane * rows + 2 * piece.row + row) * columns + 2 * piece.column;
                let count = (2 * piece.count).min(columns - 2 * piece.column);
                // SAFETY: the pixels lie within one row of the output, and are this task's alone.
                let to = unsafe { std::slice::from_raw_parts_mut(self.target.0.add(start), count) };
                let [even, odd] =
                    [0, 1].map(|column| &tile[(row * 2 + column) * self.length + piece.at..][..piece.count]);
                let mut pairs = to.chunks_exact_mut(2);
                for ((to, even), odd) in (&mut pairs).zip(even).zip(odd) {
                    to[0].write(*even);
                    to[1].write(*odd);
                }
                if let ([last], Some(even)) = (pairs.into_remainder(), even.last()) {
                    last.write(*even);
                }
                if let Some(onto) = self.added.onto {
                    // SAFETY: all of the piece has just been written.
                    let to = unsafe { std::slice::from_raw_parts_mut(self.target.0.add(start).cast::<f32>(), count) };
                    to.iter_mut().zip(&onto[start..]).for_each(|(to, from)| *to += from);
                }
            }
        }
    }
}

/// Pixels from `start` on, 0 beyond the ends of all images.
#[cold]
fn ends(input: &[f32], start: usize) -> [f32; WINDOW] {
    std::array::from_fn(|i| input.get(start.wrapping_add(i)).copied().unwrap_or(0.0))
}

/// Aᵀ m of four vectors.
#[inline(always)]
fn both<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    [simd.add_f32s(a, simd.add_f32s(b, c)), simd.sub_f32s(simd.sub_f32s(b, c), d)]
}
