// Grey values through a table, one invocation per word of two pixels.
// Twin: src/kernels/pointwise/lookup.rs.

fn entry(pixel: u32) -> u32 {
    let place = pixel & (params.levels - 1u);
    return (entries[place / 2u] >> (16u * (place % 2u))) & 0xffffu;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let words = params.words;
    if (id.x >= words || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let word = pixels[pixels_row(row) * words + id.x];
    var result = entry(word & 0xffffu);
    if (2u * id.x + 1u < params.columns) {
        result |= entry(word >> 16u) << 16u;
    }
    results[results_row(row) * words + id.x] = result;
}
