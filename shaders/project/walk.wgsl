// Siddon's way from voxel face to voxel face, for shaders that bind `params`, `views`, and slices of voxels as `volume`.
// Twin, units and source: src/kernels/project/walk.rs.

// Where a ray is, in the slab of the tile. Distances are millimetres along the ray.
struct Walk {
    t: f32,
    end: f32,
    voxel: i32,
    stride_y: i32,
    stride_z: i32,
    step_x: i32,
    // Plane numbers as floats, from the ray's own origin: small integers, exact.
    plane: vec3<f32>,
    step: vec3<f32>,
    fraction: vec3<f32>,
    inverse: vec3<f32>,
    distance: vec3<f32>,
}

// The ray to a pixel of a row counted over all views; one that takes no part in the tile is at its end.
fn walk(column: u32, row: u32) -> Walk {
    let view = row / params.rows;
    let j = row % params.rows;
    let ij = vec2<f32>(f32(column) - params.half_columns, f32(j) - params.half_rows);

    let c = course(view, ij);
    let ax = c.x;
    let ay = c.y;
    let az = c.z;
    let length = c.length;

    let first_z = i32(tile.first_input);
    let end_z = first_z + i32(tile.input_count);
    let size = vec3<i32>(vec3<u32>(params.nx, params.ny, params.nz));
    let ex = entry_exit(ax, 0, size.x);
    let ey = entry_exit(ay, 0, size.y);
    let ez = entry_exit(az, first_z, end_z);
    let range = views[view].range;
    let t = max(max(ex.x, ey.x), max(ez.x, range.x * length));
    let end = min(min(ex.y, ey.y), min(ez.y, range.y * length));

    var w = Walk();
    let way = select(1u, 2u, az.inverse < 0.0);
    if (t < end && (tile.way & way) != 0u) {
        let kx = next_plane(ax, 0, size.x, t);
        let ky = next_plane(ay, 0, size.y, t);
        let kz = next_plane(az, first_z, end_z, t);
        let step_x = select(-1, 1, ax.inverse > 0.0);
        let step_y = select(-1, 1, ay.inverse > 0.0);
        let step_z = select(-1, 1, az.inverse > 0.0);
        let row_z = i32(volume_row(u32(select(kz, kz - 1, step_z > 0)) * params.ny));
        let cell_y = select(ky, ky - 1, step_y > 0);
        let cell_x = select(kx, kx - 1, step_x > 0);
        w.t = t;
        w.end = end;
        w.voxel = (row_z + cell_y) * size.x + cell_x;
        w.step_x = step_x;
        w.stride_y = step_y * size.x;
        w.stride_z = step_z * size.x * size.y;
        w.plane = vec3<f32>(vec3<i32>(kx - ax.origin, ky - ay.origin, kz - az.origin));
        w.step = vec3<f32>(vec3<i32>(step_x, step_y, step_z));
        w.fraction = vec3<f32>(ax.fraction, ay.fraction, az.fraction);
        w.inverse = vec3<f32>(ax.inverse, ay.inverse, az.inverse);
        w.distance = (w.plane - w.fraction) * w.inverse;
    }
    return w;
}

// Length of the piece in the walk's voxel, behind which it goes on.
fn piece(w: ptr<function, Walk>) -> f32 {
    let d = (*w).distance;
    let next = min(min(d.x, d.y), min(d.z, (*w).end));
    let length = next - (*w).t;
    (*w).t = next;
    // Ties go to x, then y, then z; the pieces between tied planes have no length.
    if (next < (*w).end) {
        if (d.x <= d.y && d.x <= d.z) {
            (*w).plane.x += (*w).step.x;
            (*w).voxel += (*w).step_x;
            (*w).distance.x = ((*w).plane.x - (*w).fraction.x) * (*w).inverse.x;
        } else if (d.y <= d.z) {
            (*w).plane.y += (*w).step.y;
            (*w).voxel += (*w).stride_y;
            (*w).distance.y = ((*w).plane.y - (*w).fraction.y) * (*w).inverse.y;
        } else {
            (*w).plane.z += (*w).step.z;
            (*w).voxel += (*w).stride_z;
            (*w).distance.z = ((*w).plane.z - (*w).fraction.z) * (*w).inverse.z;
        }
    }
    return length;
}
