//! What a level holds beyond the next coarser one.
//!
//! ```text
//! L = G − expand(C)
//! ```
//! with C the next coarser level. Expanding spreads C over a grid of the exact size of G with zeros between, blurs it
//! with (1 4 6 4 1)/16 both ways and multiplies by 4; per axis that is (1 6 1)/8 at even places and (4 4)/8 at odd ones.
//! The fine grid is mirrored at its first and last place without repeating them. For C that means: before the first
//! comes the second; behind the last comes the last but one where G has an odd number of columns or rows, and the last
//! itself where it has an even one. Constants stay constant so.
//!
//! Sums are formed downwards first, then along the row; the division by 64 comes last, and with
//! [`Arithmetic::Whole`] the rounding of the expansion.
//!
//! Shapes: `[1][rows][columns]` ← `[1][⌈rows/2⌉][⌈columns/2⌉]`, `[1][rows][columns]`. Tier P; exact with
//! [`Arithmetic::Whole`].

use super::{Arithmetic, expand::Expansion, levels::coarser};
use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier, Window},
    kernels::vectorised::vectorised,
    shader_struct,
};

shader_struct! {
    /// Parameters of the difference.
    pub struct BandParams {
        /// Columns and rows of the fine level, whether to round to whole numbers; one spare number.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pyramid.band",
    tier: Tier::Pinned,
    source: concat!(
        include_str!("../../../shaders/pyramid/band.wgsl"),
        include_str!("../../../shaders/pyramid/expand.wgsl")
    ),
    structs: &[StructText::of::<BandParams>()],
    reads: 2,
    writes: 1,
    workgroup: [128, 4],
};

/// Rows of the coarse level that a fine row is made of.
pub(super) const WINDOW: Window = Window { numerator: 1, denominator: 2, first: -1, last: 1 };
/// Operations per fine pixel: two sums of three numbers downwards, one along, a difference.
pub(super) const OPERATIONS: f64 = 14.0;

/// Records `fine − expand(coarse)`; `coarse` has half the columns and rows of `fine`, rounded up.
pub fn record(graph: &mut Graph<'_>, fine: Buffer<f32>, coarse: Buffer<f32>, arithmetic: Arithmetic) -> Buffer<f32> {
    let extent = graph.extent(fine);
    let band = graph.buffer("pyramid.band", extent);
    let kernel = Band { params: BandParams { size: [extent.columns, extent.rows, arithmetic.code(), 0] } };
    graph.compute("band", kernel, [coarse.window(WINDOW), fine.rows()], [band.replace()]);
    band
}

struct Band {
    params: BandParams,
}

impl Kernel for Band {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [columns, rows, ..] = self.params.size;
        Domain::rows(Extent { slices: 1, rows, columns }, OPERATIONS * f64::from(columns))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [columns, rows, ..] = self.params.size;
        let coarse = coarser(Extent { slices: 1, rows, columns });
        vec![[coarse.rows, coarse.columns], [rows, columns], [rows, columns]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let (coarse, fine) = (bytemuck::cast_slice(reads[0]), bytemuck::cast_slice(reads[1]));
        twin(&self.params, block, coarse, fine, bytemuck::cast_slice_mut(writes[0]));
    }
}

vectorised! {
    fn twin(params: &BandParams, block: &Block, coarse: &[f32], fine: &[f32], out: &mut [f32]) {
        if params.size[2] == 1 {
            rows::<true>(params, block, coarse, fine, out);
        } else {
            rows::<false>(params, block, coarse, fine, out);
        }
    }
}

#[inline(always)]
fn rows<const WHOLE: bool>(params: &BandParams, block: &Block, coarse: &[f32], fine: &[f32], out: &mut [f32]) {
    let [columns, rows, ..] = params.size.map(|n| n as usize);
    let mut expansion = Expansion::new(columns);
    let fine = &fine[block.rows.start * columns..block.rows.end * columns];
    for ((y, fine), out) in block.rows.clone().zip(fine.chunks_exact(columns)).zip(out.chunks_exact_mut(columns)) {
        let expanded = expansion.row::<WHOLE>(coarse, [columns, rows], y);
        for ((out, fine), expanded) in out.iter_mut().zip(fine).zip(expanded) {
            *out = fine - expanded;
        }
    }
}
