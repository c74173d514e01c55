// Pixels within a mask, one invocation per word of two pixels.
// Twin: src/kernels/mask/within.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair_count = params.pairs;
    if (id.x >= pair_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let pair = pixels[pixels_row(row) * pair_count + id.x];
    let bits = mask[mask_row(row) * params.words + id.x / 16u] >> (2u * (id.x % 16u));
    let kept = select(0u, 0xffffu, (bits & 1u) != 0u) | select(0u, 0xffff0000u, (bits & 2u) != 0u);
    results[results_row(row) * pair_count + id.x] = pair & kept;
}
