// Mask made smaller by a whole factor, majority of every block, one invocation per word of the result.
// Twin: src/kernels/mask/reduce.rs.

@group(0) @binding(1) var<uniform> params: ReduceParams;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> reduced: array<u32>;

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
    let columns = params.source.x;
    let rows = params.source.y;
    let source_words = params.source.z;
    let factor = params.source.w;
    let word_count = params.target_size.y;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let top = row * factor;
    let bottom = min(top + factor, rows);
    let pixel_count = min(32u, params.target_size.x - 32u * id.x);
    var bits = 0u;
    for (var i = 0u; i < pixel_count; i++) {
        let start = (32u * id.x + i) * factor;
        let end = min(start + factor, columns);
        var count = 0u;
        for (var y = top; y < bottom; y++) {
            count += counted(bound_row(0u, y) * source_words, start, end);
        }
        bits |= select(0u, 1u, 2u * count >= (end - start) * (bottom - top)) << i;
    }
    reduced[bound_row(1u, row) * word_count + id.x] = bits;
}
