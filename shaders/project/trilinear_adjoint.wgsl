// Exact adjoint of the projector by trilinear samples: one invocation gathers one voxel from the samples about it.
// Twin, formula and units: src/kernels/project/trilinear_adjoint.rs.

const LEAST_STEP = 1e-3;

// Samples that may lie within a voxel of a place along one axis, given those so far.
fn beside(range: vec2<f32>, place: f32, step: f32, voxel: f32) -> vec2<f32> {
    let is_level = abs(step) < LEAST_STEP;
    let per_step = reciprocal(select(step, 1.0, is_level));
    let first = pin(pin((voxel - 1.0) - place) * per_step);
    let last = pin(pin((voxel + 1.0) - place) * per_step);
    let low = max(range.x, floor(min(first, last)));
    let high = min(range.y, ceil(max(first, last)));
    return select(vec2<f32>(low, high), range, is_level);
}

// Weight of a voxel at a distance from a sample, along one axis.
fn near(distance: f32) -> f32 {
    return max(pin(1.0 - abs(distance)), 0.0);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.nx || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let voxel = volume_row(row) * params.nx + id.x;
    var sum = 0.0;
    if (tile.resume == 1u) {
        sum = volume[voxel];
    }
    let place = vec3<f32>(f32(id.x), f32(row % params.ny), f32(row / params.ny));
    let half = vec3<f32>(pin(f32(params.nx) * 0.5), pin(f32(params.ny) * 0.5), pin(f32(params.nz) * 0.5)) - 0.5;
    let low = (place - 1.0) - half;
    let high = (place + 1.0) - half;
    for (var k = tile.first_input; k < tile.first_input + tile.input_count; k++) {
        let stack = samples_row(k * params.rows) * params.columns;
        let values = integrals_row(k * params.rows) * params.columns;
        let seen = pixels(views[k], low, high);
        for (var j = seen.z; j < seen.w; j++) {
            for (var i = seen.x; i < seen.y; i++) {
                let at = j * params.columns + i;
                let ray = samples[stack + at];
                let value = pin(params.length * integrals[values + at]);
                let first = f32(ray.first);
                var range = vec2<f32>(first, (first + f32(ray.count)) - 1.0);
                range = beside(range, ray.x, ray.step_x, place.x);
                range = beside(range, ray.y, ray.step_y, place.y);
                range = beside(range, ray.z, ray.step_z, place.z);
                for (var n = i32(range.x); n <= i32(range.y); n++) {
                    let number = f32(n);
                    let near_x = near((ray.x + pin(number * ray.step_x)) - place.x);
                    let near_y = near((ray.y + pin(number * ray.step_y)) - place.y);
                    let near_z = near((ray.z + pin(number * ray.step_z)) - place.z);
                    sum = sum + pin(near_x * pin(pin(near_y * near_z) * value));
                }
            }
        }
    }
    volume[voxel] = sum;
}
