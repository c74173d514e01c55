// Rays as lines over the slices of their main axis: one invocation for one ray.
// Twin, formula and units: src/kernels/project/lines.rs.

const LEAST_STEP = 1e-3;

// Slices from which on, and up to which, a line may meet voxels, given those so far.
fn within(slices: vec2<f32>, at: f32, step: f32, count: f32, half: f32) -> vec2<f32> {
    let is_level = abs(step) < LEAST_STEP;
    let per_step = reciprocal(select(step, 1.0, is_level));
    let first = half + pin(pin(-1.0 - at) * per_step);
    let last = half + pin(pin(count - at) * per_step);
    let low = max(slices.x, pin(min(first, last)) - 1.0);
    let high = min(slices.y, pin(max(first, last)) + 1.0);
    return select(vec2<f32>(low, high), slices, is_level);
}

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

    let sx = dx.x + dx.y;
    let sy = dy.x + dy.y;
    let sz = dz.x + dz.y;
    let mx = pin(sx * params.spacing_x);
    let my = pin(sy * params.spacing_y);
    let mz = pin(sz * params.spacing_z);
    let square = pin(pin(pin(mx * mx) + pin(my * my)) + pin(mz * mz));

    let is_x = abs(sx) >= abs(sy) && abs(sx) >= abs(sz);
    let is_y = !is_x && abs(sy) >= abs(sz);
    let is_z = !is_x && !is_y;
    let size = vec3<f32>(f32(params.nx), f32(params.ny), f32(params.nz));
    let count = select(select(size.z, size.y, is_y), size.x, is_x);
    let count_b = select(size.x, size.y, is_x);
    let count_c = select(size.z, size.y, is_z);
    let main_step = select(select(sz, sy, is_y), sx, is_x);
    let main_point = select(select(pz, py, is_y), px, is_x);
    let point_b = select(px, py, is_x);
    let point_c = select(pz, py, is_z);

    let inverse = reciprocal(main_step);
    let across_step = pin(select(sx, sy, is_x) * inverse);
    let along_step = pin(select(sz, sy, is_z) * inverse);
    let middle = pin(count * 0.5);
    let ahead = pin(pin(middle - main_point.x) - main_point.y);
    let across = pin(point_b.x - 0.5) + pin(point_b.y + pin(ahead * across_step));
    let along = pin(point_c.x - 0.5) + pin(point_c.y + pin(ahead * along_step));
    let half = middle - 0.5;
    let range = views[view].range;
    let start = pin(main_point.x - 0.5) + pin(main_point.y + pin(range.x * main_step));
    let stop = pin(main_point.x - 0.5) + pin(main_point.y + pin(range.y * main_step));
    var slices = vec2<f32>(min(start, stop), max(start, stop));
    slices = within(slices, pin(across), across_step, count_b, half);
    slices = within(slices, pin(along), along_step, count_c, half);
    let first = min(max(ceil(slices.x), 0.0), count);
    let end = min(max(floor(slices.y) + 1.0, first), count);

    let length = pin(pin(square * inverse_square_root(square)) * abs(inverse));
    let axis = select(select(2u, 1u, is_y), 0u, is_x);
    let at = lines_row(row) * params.columns + id.x;
    lines[at] = Line(across, across_step, along, along_step, length, u32(first), u32(end - first), axis);
}
