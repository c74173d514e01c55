// Voxel-driven back-projection of parallel beams perpendicular to z: one invocation gathers four voxels of a row from all views.
// Twin, formula and units: src/kernels/fdk/parallel.rs.

// Invocations along a row; each takes every 32nd voxel, so that neighbours read neighbouring pixels.
const WIDE = WORKGROUP_WIDE / 4u;
// Voxels whose first one's u is computed anew.
const RUN = 16u;

// Pixel `place` of two detector rows, joined; where slices meet the middle of a row, the other one adds nothing.
fn joined(low: u32, high: u32, weights: vec2<f32>, place: f32) -> f32 {
    let column = u32(min(max(place, 0.0), params.last_column));
    if (weights.y == 0.0) {
        return filtered[low + column];
    }
    return pin(pin(weights.x * filtered[low + column]) + pin(weights.y * filtered[high + column]));
}

@compute @workgroup_size(WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let column = group.x * WORKGROUP_WIDE + local.x;
    let line = group.y * WORKGROUP_HIGH + local.y;
    if (column >= params.nx || line >= tile.row_count) {
        return;
    }
    let row = tile.first_row + line;
    let columns = vec4<u32>(column) + vec4<u32>(0u, WIDE, 2u * WIDE, 3u * WIDE);
    let run = columns / RUN * RUN;
    let x = vec4<f32>(run) - params.half_x;
    let offset = vec4<f32>(columns - run);
    let y = f32(row % params.ny) - params.half_y;
    let z = f32(row / params.ny) - params.half_z;
    let at = volume_row(row) * params.nx;
    let inside = columns < vec4<u32>(params.nx);
    let places = at + min(columns, vec4<u32>(params.nx - 1u));

    var sum = vec4<f32>(0.0);
    if (tile.resume == 1u) {
        sum = vec4<f32>(volume[places.x], volume[places.y], volume[places.z], volume[places.w]);
    }
    var first = filtered_row(tile.first_input * params.rows) * params.columns;
    for (var k = tile.first_input; k < tile.first_input + tile.input_count; k++) {
        let m = views[k];
        let v = pin(m.v.z * z) + m.v.w;
        if (v >= -0.5 && v <= params.last_row + 0.5) {
            let near = min(max(v, 0.0), params.last_row);
            let lower = floor(near);
            let share_v = pin(near - lower);
            let weights = vec2<f32>(pin(1.0 - share_v), share_v);
            let low = first + u32(lower) * params.columns;
            let high = select(low, low + params.columns, lower < params.last_row);
            let start = pin4(pin(pin(m.u.y * y) + m.u.w) + pin4(m.u.x * x));
            let whole = floor(start);
            let u = pin4(pin4(start - whole) + pin4(offset * m.u.x));
            let seen = (whole + u >= vec4<f32>(-0.5)) & (whole + u <= vec4<f32>(params.last_column + 0.5));
            let part = floor(u);
            let place = whole + part;
            let next = place + 1.0;
            let here = vec4<f32>(
                joined(low, high, weights, place.x),
                joined(low, high, weights, place.y),
                joined(low, high, weights, place.z),
                joined(low, high, weights, place.w),
            );
            let there = vec4<f32>(
                joined(low, high, weights, next.x),
                joined(low, high, weights, next.y),
                joined(low, high, weights, next.z),
                joined(low, high, weights, next.w),
            );
            let value = pin4(here + pin4((u - part) * pin4(there - here)));
            sum = select(sum, sum + value, seen);
        }
        first += params.columns * params.rows;
    }
    if (inside.x) { volume[places.x] = sum.x; }
    if (inside.y) { volume[places.y] = sum.y; }
    if (inside.z) { volume[places.z] = sum.z; }
    if (inside.w) { volume[places.w] = sum.w; }
}
