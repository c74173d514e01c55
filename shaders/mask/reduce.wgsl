// Mask made smaller by a whole factor, majority of every block, one invocation per word of the result.
// Twin: src/kernels/mask/reduce.rs.

// Set bits from column `start` up to `end` of the row that begins at word `first`.
fn counted(first: u32, start: u32, end: u32) -> u32 {
    var count = 0u;
    var x = start;
    while (x < end) {
        let length = min(end - x, 32u - (x & 31u));
        let bits = mask[first + x / 32u] >> (x & 31u);
        count += countOneBits(bits & (0xffffffffu >> (32u - length)));
        x += length;
    }
    return count;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let source_columns = params.source_columns;
    let source_rows = params.source_rows;
    let source_words = params.source_words;
    let factor = params.factor;
    let word_count = params.words;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let top = row * factor;
    let bottom = min(top + factor, source_rows);
    let pixel_count = min(32u, params.columns - 32u * id.x);
    var bits = 0u;
    for (var i = 0u; i < pixel_count; i++) {
        let start = (32u * id.x + i) * factor;
        let end = min(start + factor, source_columns);
        var count = 0u;
        for (var y = top; y < bottom; y++) {
            count += counted(mask_row(y) * source_words, start, end);
        }
        bits |= select(0u, 1u, 2u * count >= (end - start) * (bottom - top)) << i;
    }
    reduced[reduced_row(row) * word_count + id.x] = bits;
}
