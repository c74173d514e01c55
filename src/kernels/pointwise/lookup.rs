//! Grey values through a table.
//!
//! ```text
//! y = table[x]
//! ```
//! with a table of 2^bits entries, packed in pairs like pixels ([`super::table`], [`super::stretch`]).
//!
//! Shapes: `[row][column]`, packed ← the same, table. Tier E.

use crate::kernels::prelude::*;

kernel! {
    /// Grey values through a table: pixels per row, rows, words per row; entries of the table, a power of two.
    struct Lookup { columns, rows, words, levels: u32 }
    shader pointwise/lookup, Exact, [64, 4];
    reads pixels[rows, words]: rows of [u16; 2], entries[1, (levels / 2)]: whole of [u16; 2];
    writes results[rows, words]: [u16; 2];
    operations 10.0;
}

/// Records the values of `table` at `pixels`.
///
/// The table has an entry for every grey level of the pixels, or the graph is refused; its entries are below 2^`bits_out`.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, table: Buffer<[u16; 2]>, bits_out: u8) -> Pixels {
    let results = Pixels::new(graph, "lookup.pixels", pixels.size, bits_out);
    let ([columns, rows, words], levels) = (pixels.shape(), pixels.levels());
    if graph.extent(table) != Extent::table(levels as usize / 2) {
        let got = 2 * graph.extent(table).elements();
        graph.refuse("lookup", format!("the table must have {levels} entries in one row, got {got}"));
    }
    Lookup { columns, rows, words, levels }.compute(graph, "lookup", pixels, table, results)
}

fn twin(kernel: &Lookup, _: &Block, pixels: &[[u16; 2]], table: &[[u16; 2]], results: &mut [[u16; 2]]) {
    let (pixels, table, results) = (pixels.as_flattened(), table.as_flattened(), results.as_flattened_mut());
    match kernel.levels {
        256 => mapped::<256>(table, pixels, results),
        1024 => mapped::<1024>(table, pixels, results),
        4096 => mapped::<4096>(table, pixels, results),
        16_384 => mapped::<16_384>(table, pixels, results),
        65_536 => mapped::<65_536>(table, pixels, results),
        _ => {
            for (result, pixel) in results.iter_mut().zip(pixels) {
                *result = table[*pixel as usize & (table.len() - 1)];
            }
        }
    }
    super::clear_spare(results, kernel.columns as usize);
}

/// With the length of the table known, an entry is found without a check.
fn mapped<const LEVELS: usize>(table: &[u16], pixels: &[u16], results: &mut [u16]) {
    if let Some(table) = table.first_chunk::<LEVELS>() {
        for (result, pixel) in results.iter_mut().zip(pixels) {
            *result = table[*pixel as usize & (LEVELS - 1)];
        }
    }
}
