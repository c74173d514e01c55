// Transmission to line integrals.
// Twin, formula and units: src/kernels/pointwise/line_integral.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let signal = transmission[transmission_row(row) * params.columns + id.x];
    results[results_row(row) * params.columns + id.x] = -natural_log(max(signal, params.floor));
}
