//! A level from the next coarser one and its band.
//!
//! ```text
//! R = expand(C) + c(L)
//! ```
//! with C the collapsed coarser level, L the band, c its [`Curve`], and expanding as in [`super::band`]. With
//! [`Arithmetic::Whole`] expansion and curve are rounded, each to whole numbers.
//!
//! Shapes: `[1][rows][columns]` ← `[1][⌈rows/2⌉][⌈columns/2⌉]`, `[1][rows][columns]`, one value. Tier P; exact with
//! [`Arithmetic::Whole`] and [`Curve::IDENTITY`].

use super::{
    Arithmetic, Curve,
    band::{OPERATIONS, WINDOW},
    curve::{CONTAINMENT, GAIN, POWER, curved, inverse_threshold},
    expand::Expansion,
    levels::coarser,
};
use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    kernels::vectorised::vectorised,
    shader_struct,
};

shader_struct! {
    /// Parameters of the sum.
    pub struct CollapseParams {
        /// Columns and rows of the fine level, whether to round to whole numbers, shape of the curve.
        pub size: [u32; 4],
        /// Gain, power − 1, ceiling, one over the full scale.
        pub constants: [f32; 4],
        /// Strength of the containment; three spare numbers.
        pub containment: [f32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pyramid.collapse",
    tier: Tier::Pinned,
    source: concat!(
        include_str!("../../../shaders/pyramid/collapse.wgsl"),
        include_str!("../../../shaders/pyramid/expand.wgsl")
    ),
    structs: &[StructText::of::<CollapseParams>()],
    reads: 3,
    writes: 1,
    workgroup: [128, 4],
};

/// Operations of a logarithm or an exponential.
const TRANSCENDENTAL: f64 = 25.0;

/// Records `expand(coarse) + curve(band)`; `coarse` has half the columns and rows of `band`, rounded up.
pub fn record(
    graph: &mut Graph<'_>,
    coarse: Buffer<f32>,
    band: Buffer<f32>,
    curve: &Curve,
    arithmetic: Arithmetic,
) -> Buffer<f32> {
    let extent = graph.extent(band);
    let (strength, noise) = match curve.contained() {
        Some(containment) => (containment.strength, containment.noise),
        // Bound, never used.
        None => (0.0, graph.upload_table("pyramid.no noise", &[0.0])),
    };
    let params = CollapseParams {
        size: [extent.columns, extent.rows, arithmetic.code(), curve.shape()],
        constants: curve.constants(),
        containment: [strength, 0.0, 0.0, 0.0],
    };
    let level = graph.buffer("pyramid.collapsed", extent);
    let reads = [coarse.window(WINDOW), band.rows(), noise.whole()];
    graph.compute("collapse", Collapse { params }, reads, [level.replace()]);
    level
}

struct Collapse {
    params: CollapseParams,
}

impl Kernel for Collapse {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [columns, rows, _, shape] = self.params.size;
        let power = if shape & POWER != 0 { 2.0 } else { 0.0 };
        let containment = if shape & CONTAINMENT != 0 { 1.0 } else { 0.0 };
        let operations = OPERATIONS + TRANSCENDENTAL * (power + containment);
        Domain::rows(Extent { slices: 1, rows, columns }, operations * f64::from(columns))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [columns, rows, ..] = self.params.size;
        let coarse = coarser(Extent { slices: 1, rows, columns });
        vec![[coarse.rows, coarse.columns], [rows, columns], [0, 0], [rows, columns]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let (coarse, band) = (bytemuck::cast_slice(reads[0]), bytemuck::cast_slice(reads[1]));
        let noise: &[f32] = bytemuck::cast_slice(reads[2]);
        let inverse = inverse_threshold(self.params.containment[0], noise[0]);
        twin(&self.params, block, coarse, band, inverse, bytemuck::cast_slice_mut(writes[0]));
    }
}

vectorised! {
    fn twin(params: &CollapseParams, block: &Block, coarse: &[f32], band: &[f32], inverse: f32, out: &mut [f32]) {
        if params.size[2] == 1 {
            shaped::<true>(params, block, coarse, band, inverse, out);
        } else {
            shaped::<false>(params, block, coarse, band, inverse, out);
        }
    }
}

#[inline(always)]
fn shaped<const WHOLE: bool>(
    params: &CollapseParams,
    block: &Block,
    coarse: &[f32],
    band: &[f32],
    inverse: f32,
    out: &mut [f32],
) {
    const POWERED: u32 = GAIN | POWER;
    const CONTAINED: u32 = GAIN | CONTAINMENT;
    const ALL: u32 = GAIN | POWER | CONTAINMENT;
    match params.size[3] {
        0 => rows::<WHOLE, 0>(params, block, coarse, band, inverse, out),
        GAIN => rows::<WHOLE, GAIN>(params, block, coarse, band, inverse, out),
        POWERED => rows::<WHOLE, POWERED>(params, block, coarse, band, inverse, out),
        CONTAINED => rows::<WHOLE, CONTAINED>(params, block, coarse, band, inverse, out),
        _ => rows::<WHOLE, ALL>(params, block, coarse, band, inverse, out),
    }
}

#[inline(always)]
fn rows<const WHOLE: bool, const SHAPE: u32>(
    params: &CollapseParams,
    block: &Block,
    coarse: &[f32],
    band: &[f32],
    inverse: f32,
    out: &mut [f32],
) {
    let [columns, rows, ..] = params.size.map(|n| n as usize);
    let constants = params.constants;
    let mut expansion = Expansion::new(columns);
    let band = &band[block.rows.start * columns..block.rows.end * columns];
    for ((y, band), out) in block.rows.clone().zip(band.chunks_exact(columns)).zip(out.chunks_exact_mut(columns)) {
        let expanded = expansion.row::<WHOLE>(coarse, [columns, rows], y);
        for ((out, band), expanded) in out.iter_mut().zip(band).zip(expanded) {
            let value = curved::<SHAPE>(*band, constants, inverse);
            *out = expanded + if WHOLE && SHAPE != 0 { (value + 0.5).floor() } else { value };
        }
    }
}
