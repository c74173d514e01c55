// Siddon's path where detector columns are parallel to z: one invocation walks four rays of a detector column, in the plane of x
// and y from column to column of voxels, once for all of them, and each through the planes of z within. Neighbouring
// invocations walk the same way through the plane and read voxels that lie side by side.
// Twin, units and source: src/kernels/project/axial.rs.

// Rows of an invocation.
const ROWS = 4u;
// Numbers of voxels along z need no bounds.
const ANY = 1073741824;

// Where a ray is on its way along z.
struct Height {
    fraction: f32,
    inverse: f32,
    voxel: i32,
    step: i32,
    // Number of the next plane from the ray's own origin: a small integer, exact.
    plane: f32,
    // What the third dimension adds to a length.
    factor: f32,
}

// Values of voxels of the column that begins at `place`; above and below the volume that of its end, which is 0.
fn values(place: u32, voxels: vec4<i32>) -> vec4<f32> {
    // Numbers below 0 are large ones without their signs.
    let at = place + min(vec4<u32>(voxels), vec4<u32>(params.nz));
    return vec4<f32>(volume[at.x], volume[at.y], volume[at.z], volume[at.w]);
}

// Where the ray to a pixel is at distance `t` of the plane.
fn height(view: u32, ij: vec2<f32>, per_mm: f32, t: f32) -> Height {
    let d = views[view].direction;
    let p = views[view].point;
    let dz = affine(d.base.z, d.base_tail.z, d.u.z, d.u_tail.z, d.v.z, d.v_tail.z, ij);
    let pz = affine(p.base.z, p.base_tail.z, p.u.z, p.u_tail.z, p.v.z, p.v_tail.z, ij);
    let slope = pin((dz.x + dz.y) * per_mm);
    let az = axis(pz, slope);
    let k = next_plane(az, -ANY, ANY, t);
    let step = select(-1, 1, az.inverse > 0.0);
    let rise = pin(slope * params.spacing_z);
    let whole = pin(1.0 + pin(rise * rise));
    let factor = pin(whole * inverse_square_root(whole));
    return Height(az.fraction, az.inverse, select(k, k - 1, step > 0), step, f32(k - az.origin), factor);
}

// Projects rows of a view from `row` on, counted over all views, those up to `end` of the first four.
fn project(view: u32, column: u32, row: u32, end: u32) {
    let i = f32(column) - params.half_columns;
    // What is the same for all rows is computed from numbers that are.
    let i0 = vec2<f32>(i, 0.0);
    let d = views[view].direction;
    let dx = affine(d.base.x, d.base_tail.x, d.u.x, d.u_tail.x, d.v.x, d.v_tail.x, i0);
    let dy = affine(d.base.y, d.base_tail.y, d.u.y, d.u_tail.y, d.v.y, d.v_tail.y, i0);
    let p = views[view].point;
    let px = affine(p.base.x, p.base_tail.x, p.u.x, p.u_tail.x, p.v.x, p.v_tail.x, i0);
    let py = affine(p.base.y, p.base_tail.y, p.u.y, p.u_tail.y, p.v.y, p.v_tail.y, i0);

    // From here on distances are millimetres of the plane.
    let sx = dx.x + dx.y;
    let sy = dy.x + dy.y;
    let mx = pin(sx * params.spacing_x);
    let my = pin(sy * params.spacing_y);
    let square = pin(pin(mx * mx) + pin(my * my));
    let per_mm = inverse_square_root(square);
    let length = square * per_mm;
    let ax = axis(px, sx * per_mm);
    let ay = axis(py, sy * per_mm);

    let first_y = i32(tile.first_input);
    let end_y = first_y + i32(tile.input_count);
    let nx = i32(params.nx);
    let wide = i32(params.wide);
    let ex = entry_exit(ax, 0, nx);
    let ey = entry_exit(ay, first_y, end_y);
    let range = views[view].range;
    var t = max(max(ex.x, ey.x), range.x * length);
    let stop = min(min(ex.y, ey.y), range.y * length);

    let first = integrals_row(row) * params.columns + column;
    var sum = vec4<f32>(0.0);
    for (var l = 0u; l < ROWS; l++) {
        if (row + l < end && tile.resume == 1u) {
            sum[l] = integrals[first + l * params.columns];
        }
    }
    let is_descending = ay.inverse < 0.0;
    let is_included = (tile.way & select(1u, 2u, is_descending)) != 0u;
    // Rows beyond the last are like others, and not stored.
    let j = f32(row % params.rows) - params.half_rows;
    let h0 = height(view, vec2<f32>(i, j), per_mm, t);
    let h1 = height(view, vec2<f32>(i, j + 1.0), per_mm, t);
    let h2 = height(view, vec2<f32>(i, j + 2.0), per_mm, t);
    let h3 = height(view, vec2<f32>(i, j + 3.0), per_mm, t);
    if (t < stop && is_included) {
        let kx = next_plane(ax, 0, nx, t);
        let ky = next_plane(ay, first_y, end_y, t);
        let step_x = select(-1, 1, ax.inverse > 0.0);
        let step_y = select(-1, 1, ay.inverse > 0.0);
        let cell_x = select(kx, kx - 1, step_x > 0);
        let cell_y = select(ky, ky - 1, step_y > 0);
        var place = volume_row(u32(cell_y * wide + cell_x)) * params.deep;
        let stride_x = u32(step_x) * params.deep;
        let stride_y = u32(step_y * wide) * params.deep;
        var fx = f32(kx - ax.origin);
        var fy = f32(ky - ay.origin);
        let gx = f32(step_x);
        let gy = f32(step_y);
        var tx = (fx - ax.fraction) * ax.inverse;
        var ty = (fy - ay.fraction) * ay.inverse;
        let fraction = vec4<f32>(h0.fraction, h1.fraction, h2.fraction, h3.fraction);
        let inverse = vec4<f32>(h0.inverse, h1.inverse, h2.inverse, h3.inverse);
        let step_z = vec4<i32>(h0.step, h1.step, h2.step, h3.step);
        var voxels = vec4<i32>(h0.voxel, h1.voxel, h2.voxel, h3.voxel);
        var fz = vec4<f32>(h0.plane, h1.plane, h2.plane, h3.plane);
        let gz = vec4<f32>(step_z);
        var tz = pin4((fz - fraction) * inverse);
        // Distances up to which the rays are summed; the same for all when a column of voxels is left.
        var begin = vec4<f32>(t);
        while (t < stop) {
            let next = min(min(tx, ty), stop);
            // As a rule rays pass one plane of z within a column or none, so that two voxels are asked for at once; pieces of
            // no length add nothing.
            var passes = tz < vec4<f32>(next);
            let cut = select(vec4<f32>(next), tz, passes);
            sum = sum + pin4((cut - begin) * values(place, voxels));
            fz = select(fz, fz + gz, passes);
            voxels = select(voxels, voxels + step_z, passes);
            tz = pin4((fz - fraction) * inverse);
            passes = tz < vec4<f32>(next);
            begin = select(vec4<f32>(next), tz, passes);
            sum = sum + pin4((begin - cut) * values(place, voxels));
            if (any(passes)) {
                fz = select(fz, fz + gz, passes);
                voxels = select(voxels, voxels + step_z, passes);
                tz = pin4((fz - fraction) * inverse);
                continue;
            }
            t = next;
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
    let is_last = select(u32(end_y) == params.ny, first_y == 0, is_descending);
    let factors = vec4<f32>(h0.factor, h1.factor, h2.factor, h3.factor);
    sum = select(sum, sum * factors, is_included && is_last);
    for (var l = 0u; l < ROWS; l++) {
        if (row + l < end) {
            integrals[first + l * params.columns] = sum[l];
        }
    }
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH / ROWS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let column = group.x * WORKGROUP_WIDE + thread / (WORKGROUP_HIGH / ROWS);
    let line = group.y * WORKGROUP_HIGH + thread % (WORKGROUP_HIGH / ROWS) * ROWS;
    if (column >= params.columns) {
        return;
    }
    // Rows that belong to two views are walked in turn.
    let end = tile.first_row + min(line + ROWS, tile.row_count);
    var row = tile.first_row + line;
    while (row < end) {
        let view = row / params.rows;
        let stop = min(end, (view + 1u) * params.rows);
        project(view, column, row, stop);
        row = stop;
    }
}
