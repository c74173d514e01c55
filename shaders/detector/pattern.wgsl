// Gains of a detector's pixels, and which are bad.
// Twin and formula: src/kernels/detector/pattern.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let words = drawn(id.x, row, 0u);
    var gain = max(1.0 + pin(params.sigma * deviate(words.x, words.y)), params.least);
    if (words.z < params.bad) {
        // Dead or stuck.
        gain = select(-1.0, 0.0, (words.w & 1u) == 0u);
    }
    results[results_row(row) * params.columns + id.x] = gain;
}
