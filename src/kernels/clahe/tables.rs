//! What the kernels share that turn histograms into tables: parameters, shapes and the walk over the tiles.

use super::ClipLimit;
use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader},
    shader_struct,
};

shader_struct! {
    /// Parameters of the tables.
    pub(super) struct LutParams {
        /// Grey levels, tiles across, bins; in kerma's convention the exponent k of 2^k levels per bin.
        pub size: [u32; 4],
        /// Clip limit or 0, its share of a tile's pixels in 2^−32, bits of the f32 scale or 0; a spare number.
        pub clip: [u32; 4],
    }
}

/// Clip limit above every count.
pub(super) const NO_LIMIT: u32 = u32::MAX;

/// Clip limits as the shaders take them: a fixed one or 0, and the share of the pixels that replaces it where 0.
pub(super) fn shared_limit(clip: ClipLimit, bins: u32) -> [u32; 2] {
    match clip.share(bins) {
        // Shares below 1: 2^32 is reached by rounding alone.
        Some(share) => [0, (share * 2f64.powi(32)).round().clamp(1.0, f64::from(u32::MAX)) as u32],
        None => [NO_LIMIT, 0],
    }
}

/// Computes the table of one tile from its histogram.
pub(super) type TileTwin = fn(&LutParams, &[u32], &mut [u16]);

/// Histograms of tiles in, packed tables out; one workgroup per tile.
pub(super) struct Lut {
    pub(super) shader: &'static Shader,
    pub(super) params: LutParams,
    /// Rows of tiles.
    pub(super) rows: u32,
    pub(super) twin: TileTwin,
}

impl Lut {
    /// Records the pass: `[tile row][tile column · levels/2]` of pairs.
    pub(super) fn record(self, graph: &mut Graph<'_>, counts: Buffer<u32>) -> Buffer<[u16; 2]> {
        let [levels, across, ..] = self.params.size;
        let luts = graph.buffer("clahe.luts", Extent { slices: 1, rows: self.rows, columns: across * (levels / 2) });
        graph.compute("clip and accumulate", self, [counts.rows()], [luts.replace()]);
        luts
    }
}

impl Kernel for Lut {
    fn shader(&self) -> &'static Shader {
        self.shader
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [levels, across, ..] = self.params.size;
        // One workgroup per tile: the planner counts invocations in columns. Three walks over the bins.
        let extent = Extent { slices: 1, rows: self.rows, columns: across * self.shader.workgroup[0] };
        Domain::rows(extent, 12.0 * f64::from(across) * f64::from(levels))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [levels, across, ..] = self.params.size;
        vec![[self.rows, across * levels], [self.rows, across * (levels / 2)]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [levels, across, ..] = self.params.size.map(|n| n as usize);
        let counts = &reads[0][block.rows.start * across * levels..block.rows.end * across * levels];
        let luts: &mut [u16] = bytemuck::cast_slice_mut(writes[0]);
        for (counts, lut) in counts.chunks_exact(levels).zip(luts.chunks_exact_mut(levels)) {
            (self.twin)(&self.params, counts, lut);
        }
    }
}

/// Pixels of a tile, its clip limit and what is above that limit.
#[inline(always)]
pub(super) fn clipped(params: &LutParams, counts: &[u32]) -> [u32; 3] {
    let area = counts.iter().fold(0_u32, |sum, n| sum.wrapping_add(*n));
    let [fixed, share, ..] = params.clip;
    let limit = if fixed == 0 { high_word(area, share).max(1) } else { fixed };
    let excess = counts.iter().fold(0_u32, |sum, n| sum.wrapping_add((*n).max(limit) - limit));
    [area, limit, excess]
}

/// High word of a product.
#[inline(always)]
pub(super) fn high_word(a: u32, b: u32) -> u32 {
    ((u64::from(a) * u64::from(b)) >> 32) as u32
}

/// Bins whose sums are formed in one go before they are scaled.
pub(super) const CHUNK: usize = 256;

/// Adds up clipped counts; `run` goes on from chunk to chunk.
#[inline(always)]
pub(super) fn accumulate(counts: &[u32], limit: u32, run: &mut u32, sums: &mut [u32; CHUNK]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *run = run.wrapping_add((*count).min(limit));
        *sum = *run;
    }
}

/// Table that changes nothing, for a tile without pixels.
pub(super) fn identity(lut: &mut [u16]) {
    for (value, entry) in lut.iter_mut().enumerate() {
        *entry = value as u16;
    }
}
