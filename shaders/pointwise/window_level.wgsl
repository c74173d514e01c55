// Values to grey levels.
// Twin, formula and units: src/kernels/pointwise/window_level.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let value = values[values_row(row) * params.columns + id.x];
    let share = pin((value - params.black) * params.scale);
    let grey = floor(pin(min(max(share, 0.0), 1.0) * params.levels) + 0.5);
    results[results_row(row) * params.columns + id.x] = u32(grey);
}
