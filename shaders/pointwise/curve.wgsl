// Values through a curve given by points at equal steps. Twin and formula: src/kernels/pointwise/curve.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let at = pin(values[values_row(row) * params.columns + id.x] * params.scale);
    let piece = min(max(floor(at), 0.0), params.last);
    let low = curve[u32(piece)];
    let high = curve[u32(piece) + 1u];
    results[results_row(row) * params.columns + id.x] = low + pin((at - piece) * (high - low));
}
