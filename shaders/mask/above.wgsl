// Pixels above a threshold, one invocation per word of the mask.
// Twin: src/kernels/mask/above.rs.

@group(0) @binding(1) var<uniform> params: AboveParams;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read> threshold: array<u32>;
@group(0) @binding(4) var<storage, read_write> mask: array<u32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair_count = params.size.x;
    let word_count = params.size.y;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = 16u * id.x;
    let source = bound_row(0u, row) * pair_count + first;
    let value = threshold[0];
    let count = min(16u, pair_count - first);
    var bits = 0u;
    // The spare half-word of an odd row is 0, which is above nothing.
    for (var i = 0u; i < count; i++) {
        let pair = pixels[source + i];
        let is_set = vec2<u32>(select(0u, 1u, (pair & 0xffffu) > value), select(0u, 2u, (pair >> 16u) > value));
        bits |= (is_set.x | is_set.y) << (2u * i);
    }
    mask[bound_row(2u, row) * word_count + id.x] = bits;
}
