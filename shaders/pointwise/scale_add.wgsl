// Weighted sum of two buffers.
// Twin, formula and units: src/kernels/pointwise/scale_add.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let x = first[first_row(row) * params.columns + id.x];
    let y = second[second_row(row) * params.columns + id.x];
    results[results_row(row) * params.columns + id.x] = pin(params.a * x) + pin(params.b * y);
}
