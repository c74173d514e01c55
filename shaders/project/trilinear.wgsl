// Line integrals by trilinear samples: one invocation for one ray.
// Twin, formula and units: src/kernels/project/trilinear.rs.

// What lies between four voxels of a slice that begins at `slice`.
fn plane(slice: i32, a: Taps, b: Taps) -> f32 {
    let nx = i32(params.nx);
    let at_low = slice + b.low * nx;
    let at_high = slice + b.high * nx;
    let low = pin(pin(a.low_weight * volume[at_low + a.low]) + pin(a.high_weight * volume[at_low + a.high]));
    let high = pin(pin(a.low_weight * volume[at_high + a.low]) + pin(a.high_weight * volume[at_high + a.high]));
    return pin(b.low_weight * low) + pin(b.high_weight * high);
}

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
    let ray = samples[samples_row(row) * params.columns + id.x];
    let way = select(1u, 2u, ray.step_z < 0.0);
    let count = select(0u, ray.count, (tile.way & way) != 0u);
    let first_z = i32(tile.first_input);
    let end_z = first_z + i32(tile.input_count);
    let first_row = max(first_z - 1, 0) * i32(params.ny);
    let origin = i32(volume_row(u32(first_row)) * params.nx) - first_row * i32(params.nx);
    let slice = i32(params.nx * params.ny);
    for (var n = 0u; n < count; n++) {
        let k = f32(ray.first + i32(n));
        let c = taps(ray.z + pin(k * ray.step_z), params.nz);
        if (c.low < first_z || c.low >= end_z) {
            continue;
        }
        let a = taps(ray.x + pin(k * ray.step_x), params.nx);
        let b = taps(ray.y + pin(k * ray.step_y), params.ny);
        let near = pin(plane(origin + c.low * slice, a, b));
        let far = pin(plane(origin + c.high * slice, a, b));
        sum = sum + pin(params.length * pin(pin(c.low_weight * near) + pin(c.high_weight * far)));
    }
    integrals[at] = sum;
}
