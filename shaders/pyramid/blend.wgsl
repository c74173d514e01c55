// Two bands weighted by a mask's level.
// Twin and formula: src/kernels/pyramid/blend.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let a = first[first_row(row) * params.columns + id.x];
    let b = second[second_row(row) * params.columns + id.x];
    let m = weights[weights_row(row) * params.columns + id.x];
    var value = select(b + pin(m * pin(a - b)), a, m >= 1.0);
    if (params.is_whole == 1u) {
        value = floor(pin(value) + 0.5);
    }
    results[results_row(row) * params.columns + id.x] = value;
}
