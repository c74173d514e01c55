// Values held between two bounds.
// Twin and formula: src/kernels/pointwise/clamp.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let value = values[values_row(row) * params.columns + id.x];
    let raised = select(value, params.low, value < params.low);
    results[results_row(row) * params.columns + id.x] = select(raised, params.high, raised > params.high);
}
