// Mask made larger by a whole factor, nearest pixel, one invocation per word of the result.
// Twin: src/kernels/mask/expand.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let source_words = params.source_words;
    let factor = params.factor;
    let word_count = params.words;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let source = mask_row(row / factor) * source_words;
    let pixel_count = min(32u, params.columns - 32u * id.x);
    var x = 32u * id.x / factor;
    var within = 32u * id.x % factor;
    var bits = 0u;
    for (var i = 0u; i < pixel_count; i++) {
        bits |= ((mask[source + x / 32u] >> (x & 31u)) & 1u) << i;
        within += 1u;
        if (within == factor) {
            within = 0u;
            x += 1u;
        }
    }
    expanded[expanded_row(row) * word_count + id.x] = bits;
}
