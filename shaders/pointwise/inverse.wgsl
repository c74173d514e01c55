// Inverse of what is large enough.
// Twin, formula and units: src/kernels/pointwise/inverse.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let value = values[values_row(row) * params.columns + id.x];
    results[results_row(row) * params.columns + id.x] = select(0.0, reciprocal(value), value >= params.least);
}
