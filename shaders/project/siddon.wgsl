// Siddon's exact radiological path: one invocation walks one ray from voxel face to voxel face.
// Twin, units and source: src/kernels/project/siddon.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let view = row / params.rows;
    let j = row % params.rows;
    let ij = vec2<f32>(f32(id.x) - params.half_columns, f32(j) - params.half_rows);

    let d = views[view].direction;
    let dx = affine(d.base.x, d.base_tail.x, d.u.x, d.u_tail.x, d.v.x, d.v_tail.x, ij);
    let dy = affine(d.base.y, d.base_tail.y, d.u.y, d.u_tail.y, d.v.y, d.v_tail.y, ij);
    let dz = affine(d.base.z, d.base_tail.z, d.u.z, d.u_tail.z, d.v.z, d.v_tail.z, ij);
    let p = views[view].point;
    let px = affine(p.base.x, p.base_tail.x, p.u.x, p.u_tail.x, p.v.x, p.v_tail.x, ij);
    let py = affine(p.base.y, p.base_tail.y, p.u.y, p.u_tail.y, p.v.y, p.v_tail.y, ij);
    let pz = affine(p.base.z, p.base_tail.z, p.u.z, p.u_tail.z, p.v.z, p.v_tail.z, ij);

    // From here on distances are millimetres along the ray.
    let sx = dx.x + dx.y;
    let sy = dy.x + dy.y;
    let sz = dz.x + dz.y;
    let mx = pin(sx * params.spacing_x);
    let my = pin(sy * params.spacing_y);
    let mz = pin(sz * params.spacing_z);
    let square = pin(pin(pin(mx * mx) + pin(my * my)) + pin(mz * mz));
    let per_mm = inverse_square_root(square);
    let length = square * per_mm;
    let ax = axis(px, sx * per_mm);
    let ay = axis(py, sy * per_mm);
    let az = axis(pz, sz * per_mm);

    let first_z = i32(tile.first_input);
    let end_z = first_z + i32(tile.input_count);
    let size = vec3<i32>(vec3<u32>(params.nx, params.ny, params.nz));
    let ex = entry_exit(ax, 0, size.x);
    let ey = entry_exit(ay, 0, size.y);
    let ez = entry_exit(az, first_z, end_z);
    let range = views[view].range;
    var t = max(max(ex.x, ey.x), max(ez.x, range.x * length));
    let end = min(min(ex.y, ey.y), min(ez.y, range.y * length));

    let at = integrals_row(row) * params.columns + id.x;
    var sum = 0.0;
    if (tile.resume == 1u) {
        sum = integrals[at];
    }
    let way = select(1u, 2u, az.inverse < 0.0);
    if (t < end && (tile.way & way) != 0u) {
        var kx = next_plane(ax, 0, size.x, t);
        var ky = next_plane(ay, 0, size.y, t);
        var kz = next_plane(az, first_z, end_z, t);
        let step_x = select(-1, 1, ax.inverse > 0.0);
        let step_y = select(-1, 1, ay.inverse > 0.0);
        let step_z = select(-1, 1, az.inverse > 0.0);
        let row_z = i32(volume_row(u32(select(kz, kz - 1, step_z > 0)) * params.ny));
        let cell_y = select(ky, ky - 1, step_y > 0);
        let cell_x = select(kx, kx - 1, step_x > 0);
        var voxel = (row_z + cell_y) * size.x + cell_x;
        let stride_y = step_y * size.x;
        let stride_z = step_z * size.x * size.y;
        // Plane numbers as floats, from the ray's own origin: small integers, exact.
        var fx = f32(kx - ax.origin);
        var fy = f32(ky - ay.origin);
        var fz = f32(kz - az.origin);
        let gx = f32(step_x);
        let gy = f32(step_y);
        let gz = f32(step_z);
        var tx = (fx - ax.fraction) * ax.inverse;
        var ty = (fy - ay.fraction) * ay.inverse;
        var tz = (fz - az.fraction) * az.inverse;
        while (t < end) {
            let next = min(min(tx, ty), min(tz, end));
            sum = sum + pin((next - t) * volume[voxel]);
            t = next;
            // Ties go to x, then y, then z; the pieces between tied planes have no length.
            if (next < end) {
                if (tx <= ty && tx <= tz) {
                    fx += gx;
                    voxel += step_x;
                    tx = (fx - ax.fraction) * ax.inverse;
                } else if (ty <= tz) {
                    fy += gy;
                    voxel += stride_y;
                    ty = (fy - ay.fraction) * ay.inverse;
                } else {
                    fz += gz;
                    voxel += stride_z;
                    tz = (fz - az.fraction) * az.inverse;
                }
            }
        }
    }
    integrals[at] = sum;
}
