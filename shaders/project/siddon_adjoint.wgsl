// Exact adjoint of Siddon's projector: one invocation gathers one voxel from the rays that cross it.
// Twin, formula and units: src/kernels/project/siddon_adjoint.rs.

const FAR = 1e30;

// Where a ray enters and leaves a cell between two planes of an axis.
fn crossed(cell: i32, origin: i32, fraction: f32, inverse: f32, is_parallel: bool) -> vec2<f32> {
    let a = pin(pin(f32(cell - origin) - fraction) * inverse);
    let b = pin(pin(f32(cell + 1 - origin) - fraction) * inverse);
    let along = select(vec2<f32>(FAR, -FAR), vec2<f32>(-FAR, FAR), cell == origin);
    return select(vec2<f32>(min(a, b), max(a, b)), along, is_parallel);
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
    let place = vec3<i32>(vec3<u32>(id.x, row % params.ny, row / params.ny));
    let middle = vec3<f32>(pin(f32(params.nx) * 0.5), pin(f32(params.ny) * 0.5), pin(f32(params.nz) * 0.5));
    let low = vec3<f32>(place) - middle;
    let high = vec3<f32>(place + 1) - middle;
    for (var k = tile.first_input; k < tile.first_input + tile.input_count; k++) {
        let seen = pixels(views[k], low, high);
        let stack = planes_row(k * params.rows) * params.columns;
        let values = integrals_row(k * params.rows) * params.columns;
        for (var j = seen.z; j < seen.w; j++) {
            for (var i = seen.x; i < seen.y; i++) {
                let at = j * params.columns + i;
                let ray = planes[stack + at];
                let x = crossed(place.x, ray.origin_x, ray.fraction_x, ray.inverse_x, (ray.parallel & 1u) != 0u);
                let y = crossed(place.y, ray.origin_y, ray.fraction_y, ray.inverse_y, (ray.parallel & 2u) != 0u);
                let z = crossed(place.z, ray.origin_z, ray.fraction_z, ray.inverse_z, (ray.parallel & 4u) != 0u);
                let start = max(max(ray.start, x.x), max(y.x, z.x));
                let end = min(min(ray.end, x.y), min(y.y, z.y));
                sum = sum + pin(max(pin(end - start), 0.0) * integrals[values + at]);
            }
        }
    }
    volume[voxel] = sum;
}
