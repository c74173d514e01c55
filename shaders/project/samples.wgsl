// Rays as rows of equidistant samples: one invocation for one ray.
// Twin, formula and units: src/kernels/project/samples.rs.

const LEAST_STEP = 1e-3;

// Samples from which on, and up to which, a ray may meet voxels along an axis, given those so far.
fn within(range: vec2<f32>, place: f32, step: f32, count: u32) -> vec2<f32> {
    let is_level = abs(step) < LEAST_STEP;
    let per_step = reciprocal(select(step, 1.0, is_level));
    let first = pin(pin(-1.0 - place) * per_step);
    let last = pin(pin(f32(count) - place) * per_step);
    let low = max(range.x, pin(min(first, last)) - 1.0);
    let high = min(range.y, pin(max(first, last)) + 1.0);
    return select(vec2<f32>(low, high), range, is_level);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let view = row / params.rows;
    let ij = vec2<f32>(f32(id.x) - params.half_columns, f32(row % params.rows) - params.half_rows);

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
    let per_mm = inverse_square_root(square);
    let scale = pin(params.length * per_mm);
    let step = pin4(vec4<f32>(sx, sy, sz, 0.0) * scale);
    let x = pin(px.x - 0.5) + px.y;
    let y = pin(py.x - 0.5) + py.y;
    let z = pin(pz.x - 0.5) + pz.y;
    let per_parameter = pin(pin(square * per_mm) * params.per_length);
    let ends = views[view].range;
    var range = vec2<f32>(pin(ends.x * per_parameter), pin(ends.y * per_parameter));
    range = within(range, x, step.x, params.nx);
    range = within(range, y, step.y, params.ny);
    range = within(range, z, step.z, params.nz);
    let first = ceil(range.x);
    let count = max(pin(floor(range.y) - first) + 1.0, 0.0);
    let at = samples_row(row) * params.columns + id.x;
    samples[at] = Samples(x, y, z, step.x, step.y, step.z, i32(first), u32(count));
}
