// Joseph's projector: one invocation samples the slices of one ray's main axis.
// Twin, formula and units: src/kernels/project/joseph.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let at = integrals_row(row) * params.columns + id.x;
    var sum = 0.0;
    if (tile.resume == 1u) {
        sum = integrals[at];
    }
    let line = lines[lines_row(row) * params.columns + id.x];
    let is_x = line.axis == 0u;
    let is_z = line.axis == 2u;
    let way = select(1u, 2u, !is_z && line.along_step < 0.0);
    let count = select(0u, line.count, (tile.way & way) != 0u);
    let strides = vec3<i32>(vec3<u32>(1u, params.nx, params.nx * params.ny));
    let stride = strides[line.axis];
    let stride_b = select(strides.x, strides.y, is_x);
    let stride_c = select(strides.z, strides.y, is_z);
    let count_b = select(params.nx, params.ny, is_x);
    let count_c = select(params.nz, params.ny, is_z);
    let main_count = select(select(params.ny, params.nx, is_x), params.nz, is_z);
    let half = pin(f32(main_count) * 0.5) - 0.5;
    let first_z = i32(tile.first_input);
    let end_z = first_z + i32(tile.input_count);
    let first_row = max(first_z - 1, 0) * i32(params.ny);
    let origin = i32(volume_row(u32(first_row)) * params.nx) - first_row * i32(params.nx);

    for (var n = line.first; n < line.first + count; n++) {
        let ahead = f32(n) - half;
        let b = taps(line.across + pin(ahead * line.across_step), count_b);
        let c = taps(line.along + pin(ahead * line.along_step), count_c);
        let z = select(c.low, i32(n), is_z);
        if (z < first_z || z >= end_z) {
            continue;
        }
        let base = origin + i32(n) * stride;
        let at_low = base + c.low * stride_c;
        let at_high = base + c.high * stride_c;
        let low_b = b.low * stride_b;
        let high_b = b.high * stride_b;
        let low = pin(pin(b.low_weight * volume[at_low + low_b]) + pin(b.high_weight * volume[at_low + high_b]));
        let high = pin(pin(b.low_weight * volume[at_high + low_b]) + pin(b.high_weight * volume[at_high + high_b]));
        sum = sum + pin(line.length * pin(pin(c.low_weight * low) + pin(c.high_weight * high)));
    }
    integrals[at] = sum;
}
