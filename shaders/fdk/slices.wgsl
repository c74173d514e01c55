// Detector rows joined where slices of the volume meet them. Twin, formula and units: src/kernels/fdk/slices.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let view = row / params.slices;
    let form = views[view].v;
    let v = pin(form.z * (f32(row % params.slices) - params.half_z)) + form.w;
    let near = min(max(v, 0.0), params.last_row);
    let lower = floor(near);
    let share = pin(near - lower);
    let first = filtered_row(view * params.rows) * params.columns + id.x;
    let low = filtered[first + u32(lower) * params.columns];
    let high = filtered[first + u32(min(lower + 1.0, params.last_row)) * params.columns];
    let value = pin(pin(1.0 - share) * low) + pin(share * high);
    let is_met = v >= -0.5 && v <= params.last_row + 0.5;
    met[met_row(row) * params.columns + id.x] = select(0.0, value, is_met);
}
