// The way of four rays of a detector column parallel to z, from column to column of voxels and within each through the planes
// of z, for shaders that bind `params`, `views`, and lines of voxels along z as `volume`. Twin: src/kernels/project/columns.rs.

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

// Where four rays are. Distances are millimetres of the plane of x and y.
struct Columns {
    t: f32,
    stop: f32,
    // First voxel of the column, and steps from column to column.
    place: u32,
    stride_x: u32,
    stride_y: u32,
    plane: vec2<f32>,
    step: vec2<f32>,
    fraction: vec2<f32>,
    inverse: vec2<f32>,
    distance: vec2<f32>,
    // Along z, of each ray: voxels, planes, and distances up to which the rays are summed, the same for all when a column of
    // voxels is left.
    voxels: vec4<i32>,
    step_z: vec4<i32>,
    plane_z: vec4<f32>,
    fraction_z: vec4<f32>,
    inverse_z: vec4<f32>,
    distance_z: vec4<f32>,
    begin: vec4<f32>,
    passes: vec4<bool>,
    factors: vec4<f32>,
    is_included: bool,
    is_last: bool,
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

// The rays to pixels of a view from `row` on, counted over all views; at their end if they take no part in the tile. Rows
// beyond the last are like others.
fn columns(view: u32, column: u32, row: u32) -> Columns {
    let i = f32(column) - params.half_columns;
    // What is the same for all rows is computed from numbers that are.
    let i0 = vec2<f32>(i, 0.0);
    let d = views[view].direction;
    let dx = affine(d.base.x, d.base_tail.x, d.u.x, d.u_tail.x, d.v.x, d.v_tail.x, i0);
    let dy = affine(d.base.y, d.base_tail.y, d.u.y, d.u_tail.y, d.v.y, d.v_tail.y, i0);
    let p = views[view].point;
    let px = affine(p.base.x, p.base_tail.x, p.u.x, p.u_tail.x, p.v.x, p.v_tail.x, i0);
    let py = affine(p.base.y, p.base_tail.y, p.u.y, p.u_tail.y, p.v.y, p.v_tail.y, i0);

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
    var c = Columns();
    c.t = max(max(ex.x, ey.x), range.x * length);
    c.stop = min(min(ex.y, ey.y), range.y * length);
    let is_descending = ay.inverse < 0.0;
    c.is_included = (tile.way & select(1u, 2u, is_descending)) != 0u;
    c.is_last = select(u32(end_y) == params.ny, first_y == 0, is_descending);
    let j = f32(row % params.rows) - params.half_rows;
    let h0 = height(view, vec2<f32>(i, j), per_mm, c.t);
    let h1 = height(view, vec2<f32>(i, j + 1.0), per_mm, c.t);
    let h2 = height(view, vec2<f32>(i, j + 2.0), per_mm, c.t);
    let h3 = height(view, vec2<f32>(i, j + 3.0), per_mm, c.t);
    c.factors = vec4<f32>(h0.factor, h1.factor, h2.factor, h3.factor);
    if (!(c.t < c.stop && c.is_included)) {
        c.stop = c.t;
        return c;
    }
    let kx = next_plane(ax, 0, nx, c.t);
    let ky = next_plane(ay, first_y, end_y, c.t);
    let step_x = select(-1, 1, ax.inverse > 0.0);
    let step_y = select(-1, 1, ay.inverse > 0.0);
    let cell_x = select(kx, kx - 1, step_x > 0);
    let cell_y = select(ky, ky - 1, step_y > 0);
    c.place = volume_row(u32(cell_y * wide + cell_x)) * params.deep;
    c.stride_x = u32(step_x) * params.deep;
    c.stride_y = u32(step_y * wide) * params.deep;
    c.plane = vec2<f32>(vec2<i32>(kx - ax.origin, ky - ay.origin));
    c.step = vec2<f32>(vec2<i32>(step_x, step_y));
    c.fraction = vec2<f32>(ax.fraction, ay.fraction);
    c.inverse = vec2<f32>(ax.inverse, ay.inverse);
    c.distance = (c.plane - c.fraction) * c.inverse;
    c.fraction_z = vec4<f32>(h0.fraction, h1.fraction, h2.fraction, h3.fraction);
    c.inverse_z = vec4<f32>(h0.inverse, h1.inverse, h2.inverse, h3.inverse);
    c.step_z = vec4<i32>(h0.step, h1.step, h2.step, h3.step);
    c.voxels = vec4<i32>(h0.voxel, h1.voxel, h2.voxel, h3.voxel);
    c.plane_z = vec4<f32>(h0.plane, h1.plane, h2.plane, h3.plane);
    c.distance_z = pin4((c.plane_z - c.fraction_z) * c.inverse_z);
    c.begin = vec4<f32>(c.t);
    return c;
}

// Distance at which the column of voxels is left.
fn column_end(c: ptr<function, Columns>) -> f32 {
    return min(min((*c).distance.x, (*c).distance.y), (*c).stop);
}

// Voxels in which the rays are; above and below the volume the end of their column, where nothing is.
fn places(c: ptr<function, Columns>) -> vec4<u32> {
    // Numbers below 0 are large ones without their signs.
    return (*c).place + min(vec4<u32>((*c).voxels), vec4<u32>(params.nz));
}

// Lengths of the rays' next pieces up to distance `next`; they end there or at a plane of z, which `passes` tells.
fn pieces(c: ptr<function, Columns>, next: f32) -> vec4<f32> {
    (*c).passes = (*c).distance_z < vec4<f32>(next);
    let end = select(vec4<f32>(next), (*c).distance_z, (*c).passes);
    let lengths = end - (*c).begin;
    (*c).begin = end;
    return lengths;
}

// Goes on behind the planes of z that have been met.
fn pass_heights(c: ptr<function, Columns>) {
    (*c).plane_z = select((*c).plane_z, (*c).plane_z + vec4<f32>((*c).step_z), (*c).passes);
    (*c).voxels = select((*c).voxels, (*c).voxels + (*c).step_z, (*c).passes);
    (*c).distance_z = pin4(((*c).plane_z - (*c).fraction_z) * (*c).inverse_z);
}

// Goes on into the next column of voxels, which begins at distance `next`.
fn pass_column(c: ptr<function, Columns>, next: f32) {
    (*c).t = next;
    if ((*c).distance.x <= (*c).distance.y) {
        (*c).plane.x += (*c).step.x;
        (*c).place += (*c).stride_x;
        (*c).distance.x = ((*c).plane.x - (*c).fraction.x) * (*c).inverse.x;
    } else {
        (*c).plane.y += (*c).step.y;
        (*c).place += (*c).stride_y;
        (*c).distance.y = ((*c).plane.y - (*c).fraction.y) * (*c).inverse.y;
    }
}
