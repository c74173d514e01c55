//! Grey values through a table.
//!
//! ```text
//! y = table[x]
//! ```
//! with a table of 2^bits entries, packed in pairs like pixels ([`super::table`], [`super::stretch`]).
//!
//! Shapes: `[row][column]`, packed ← the same, table. Tier E.

use super::{
    map::{PointwiseParams, WORKGROUP},
    packed::{Packed, clear_spare},
};
use crate::{
    engine::{Buffer, Extent, Graph, Shader, StructText, Tier},
    kernels::Pixels,
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "pointwise.lookup",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/pointwise/lookup.wgsl"),
    structs: &[StructText::of::<PointwiseParams>()],
    reads: 2,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Records the values of `table` at `pixels`.
///
/// The table has an entry for every grey level of the pixels, or the graph is refused; its entries are below 2^`bits_out`.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, table: Buffer<[u16; 2]>, bits_out: u8) -> Pixels {
    let results = Pixels::new(graph, "lookup.pixels", pixels.size, bits_out);
    let [columns, rows] = pixels.size;
    let row_words = Pixels::row_words(pixels.size);
    let kernel = Packed {
        shader: &SHADER,
        params: PointwiseParams { size: [columns, row_words, pixels.levels(), 0], constants: [0.0; 4] },
        extent: Pixels::extent(pixels.size),
        shapes: vec![[rows, row_words], [1, pixels.levels() / 2], [rows, row_words]],
        twin,
    };
    if graph.extent(table) != Extent::table(pixels.levels() as usize / 2) {
        let (needed, got) = (pixels.levels(), 2 * graph.extent(table).elements());
        graph.refuse("lookup", format!("the table must have {needed} entries in one row, got {got}"));
    }
    graph.compute("lookup", kernel, [pixels.buffer.rows(), table.whole()], [results.buffer.replace()]);
    results
}

fn twin(params: &PointwiseParams, reads: &[&[u32]], out: &mut [u32]) {
    let (pixels, table): (&[u16], &[u16]) = (bytemuck::cast_slice(reads[0]), bytemuck::cast_slice(reads[1]));
    let out: &mut [u16] = bytemuck::cast_slice_mut(out);
    match params.size[2] {
        256 => mapped::<256>(table, pixels, out),
        1024 => mapped::<1024>(table, pixels, out),
        4096 => mapped::<4096>(table, pixels, out),
        16_384 => mapped::<16_384>(table, pixels, out),
        65_536 => mapped::<65_536>(table, pixels, out),
        _ => {
            for (out, pixel) in out.iter_mut().zip(pixels) {
                *out = table[*pixel as usize & (table.len() - 1)];
            }
        }
    }
    clear_spare(out, params.size[0] as usize);
}

/// With the length of the table known, an entry is found without a check.
fn mapped<const LEVELS: usize>(table: &[u16], pixels: &[u16], out: &mut [u16]) {
    if let Some(table) = table.first_chunk::<LEVELS>() {
        for (out, pixel) in out.iter_mut().zip(pixels) {
            *out = table[*pixel as usize & (LEVELS - 1)];
        }
    }
}
