// Pixels above a threshold, one invocation per word of the mask.
// Twin: src/kernels/mask/above.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair_count = params.pairs;
    let word_count = params.words;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = 16u * id.x;
    let source = pixels_row(row) * pair_count + first;
    let value = threshold[0];
    let count = min(16u, pair_count - first);
    var bits = 0u;
    // The spare half-word of an odd row is 0, which is above nothing.
    for (var i = 0u; i < count; i++) {
        let pair = pixels[source + i];
        let is_set = vec2<u32>(select(0u, 1u, (pair & 0xffffu) > value), select(0u, 2u, (pair >> 16u) > value));
        bits |= (is_set.x | is_set.y) << (2u * i);
    }
    mask[mask_row(row) * word_count + id.x] = bits;
}
