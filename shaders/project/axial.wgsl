// Siddon's path where detector columns are parallel to z: one invocation walks one ray, in the plane of x and y from column
// to column of voxels and through the planes of z within each. Neighbouring invocations are neighbouring rows of one detector
// column: they walk the same way through the plane and read voxels that lie side by side.
// Twin, units and source: src/kernels/project/axial.rs.

// Numbers of voxels along z need no bounds.
const ANY = 1073741824;

// Value of a voxel of the column that begins at `place`; 0 above and below the volume.
fn value(place: u32, voxel: i32) -> f32 {
    // Numbers below 0 are large ones without their signs.
    let z = u32(voxel);
    return select(0.0, volume[place + min(z, params.nz - 1u)], z < params.nz);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let column = group.x * WORKGROUP_WIDE + thread / WORKGROUP_HIGH;
    let line = group.y * WORKGROUP_HIGH + thread % WORKGROUP_HIGH;
    if (column >= params.columns || line >= tile.row_count) {
        return;
    }
    let row = tile.first_row + line;
    let view = row / params.rows;
    let ij = vec2<f32>(f32(column) - params.half_columns, f32(row % params.rows) - params.half_rows);
    // What is the same for all rows is computed from numbers that are.
    let i0 = vec2<f32>(ij.x, 0.0);

    let d = views[view].direction;
    let dx = affine(d.base.x, d.base_tail.x, d.u.x, d.u_tail.x, d.v.x, d.v_tail.x, i0);
    let dy = affine(d.base.y, d.base_tail.y, d.u.y, d.u_tail.y, d.v.y, d.v_tail.y, i0);
    let dz = affine(d.base.z, d.base_tail.z, d.u.z, d.u_tail.z, d.v.z, d.v_tail.z, ij);
    let p = views[view].point;
    let px = affine(p.base.x, p.base_tail.x, p.u.x, p.u_tail.x, p.v.x, p.v_tail.x, i0);
    let py = affine(p.base.y, p.base_tail.y, p.u.y, p.u_tail.y, p.v.y, p.v_tail.y, i0);
    let pz = affine(p.base.z, p.base_tail.z, p.u.z, p.u_tail.z, p.v.z, p.v_tail.z, ij);

    // From here on distances are millimetres of the plane.
    let sx = dx.x + dx.y;
    let sy = dy.x + dy.y;
    let sz = dz.x + dz.y;
    let mx = pin(sx * params.spacing_x);
    let my = pin(sy * params.spacing_y);
    let square = pin(pin(mx * mx) + pin(my * my));
    let per_mm = inverse_square_root(square);
    let length = square * per_mm;
    let slope = pin(sz * per_mm);
    let ax = axis(px, sx * per_mm);
    let ay = axis(py, sy * per_mm);
    let az = axis(pz, slope);

    let first_y = i32(tile.first_input);
    let end_y = first_y + i32(tile.input_count);
    let nx = i32(params.nx);
    let wide = i32(params.wide);
    let ex = entry_exit(ax, 0, nx);
    let ey = entry_exit(ay, first_y, end_y);
    let range = views[view].range;
    var t = max(max(ex.x, ey.x), range.x * length);
    let end = min(min(ex.y, ey.y), range.y * length);

    let at = integrals_row(row) * params.columns + column;
    var sum = 0.0;
    if (tile.resume == 1u) {
        sum = integrals[at];
    }
    let is_descending = ay.inverse < 0.0;
    let is_included = (tile.way & select(1u, 2u, is_descending)) != 0u;
    if (t < end && is_included) {
        let kx = next_plane(ax, 0, nx, t);
        let ky = next_plane(ay, first_y, end_y, t);
        let kz = next_plane(az, -ANY, ANY, t);
        let step_x = select(-1, 1, ax.inverse > 0.0);
        let step_y = select(-1, 1, ay.inverse > 0.0);
        let step_z = select(-1, 1, az.inverse > 0.0);
        let cell_x = select(kx, kx - 1, step_x > 0);
        let cell_y = select(ky, ky - 1, step_y > 0);
        var place = volume_row(u32(cell_y * wide + cell_x)) * params.deep;
        let stride_x = u32(step_x) * params.deep;
        let stride_y = u32(step_y * wide) * params.deep;
        var voxel = select(kz, kz - 1, step_z > 0);
        // Plane numbers as floats, from the ray's own origin: small integers, exact.
        var fx = f32(kx - ax.origin);
        var fy = f32(ky - ay.origin);
        var fz = f32(kz - az.origin);
        let gx = f32(step_x);
        let gy = f32(step_y);
        let gz = f32(step_z);
        var tx = (fx - ax.fraction) * ax.inverse;
        var ty = (fy - ay.fraction) * ay.inverse;
        var tz = pin((fz - az.fraction) * az.inverse);
        while (t < end) {
            let next = min(min(tx, ty), end);
            while (tz < next) {
                sum = sum + pin((tz - t) * value(place, voxel));
                t = tz;
                fz += gz;
                voxel += step_z;
                tz = pin((fz - az.fraction) * az.inverse);
            }
            sum = sum + pin((next - t) * value(place, voxel));
            t = next;
            if (next < end) {
                if (tx <= ty) {
                    fx += gx;
                    place += stride_x;
                    tx = (fx - ax.fraction) * ax.inverse;
                } else {
                    fy += gy;
                    place += stride_y;
                    ty = (fy - ay.fraction) * ay.inverse;
                }
            }
        }
    }
    let is_last = select(u32(end_y) == params.ny, first_y == 0, is_descending);
    let rise = pin(slope * params.spacing_z);
    let whole = pin(1.0 + pin(rise * rise));
    integrals[at] = select(sum, sum * (whole * inverse_square_root(whole)), is_included && is_last);
}
