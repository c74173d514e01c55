// Factors of the pixels from a dark and a flat image.
// Twin and formula: src/kernels/detector/calibrate.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let gain = gains[gains_row(row) * params.columns + id.x];
    let open = flat[flat_row(row) * params.columns + id.x] - dark[dark_row(row) * params.columns + id.x];
    let factor = reciprocal(max(open, params.least));
    results[results_row(row) * params.columns + id.x] = select(0.0, factor, gain > 0.0 && open >= params.least);
}
