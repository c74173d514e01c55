// Voxel-driven back-projection where only v changes along z: one invocation gathers four voxels of a column from all views.
// Twin, formula and units: src/kernels/fdk/axial.rs.

// Voxels whose first one's v is computed anew.
const RUN = 16u;

// Row `place` of the two detector columns that begin at `low` and `high`, joined.
fn joined(low: u32, high: u32, weights: vec2<f32>, place: f32) -> f32 {
    let row = u32(min(max(place, 0.0), params.last_along));
    return pin(pin(weights.x * filtered[low + row]) + pin(weights.y * filtered[high + row]));
}

@compute @workgroup_size(WORKGROUP_WIDE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let lanes = params.lanes;
    let column = group.x * (WORKGROUP_WIDE / lanes) + local / lanes;
    if (column >= params.nx) {
        return;
    }
    // Slices of the dispatch, and of the invocation.
    let before = tile.first_row / params.ny + group.z * WORKGROUP_DEEP;
    let end = min(before + WORKGROUP_DEEP, (tile.first_row + tile.row_count) / params.ny);
    let z = vec4<u32>(before + local % lanes) + lanes * vec4<u32>(0u, 1u, 2u, 3u);
    let run = z / RUN * RUN;
    let x = f32(column) - params.half_x;
    let y = f32(group.y) - params.half_y;
    let height = vec4<f32>(run) - params.half_z;
    let offset = vec4<f32>(z - run);

    var sum = vec4<f32>(0.0);
    if (tile.resume == 1u) {
        for (var i = 0u; i < 4u; i++) {
            if (z[i] < end) {
                sum[i] = volume[volume_row(z[i] * params.ny + group.y) * params.nx + column];
            }
        }
    }
    var first = filtered_row(tile.first_input * params.across) * params.along;
    for (var k = tile.first_input; k < tile.first_input + tile.input_count; k++) {
        let m = views[k];
        let nw = pin(pin(m.w.y * y) + m.w.w) + pin(m.w.x * x);
        let scale = reciprocal(nw);
        let u = pin((pin(pin(m.across.y * y) + m.across.w) + pin(m.across.x * x)) * scale);
        if (u >= -0.5 && u <= params.last_across + 0.5 && nw > 0.0) {
            let near = min(max(u, 0.0), params.last_across);
            let lower = floor(near);
            let share_u = pin(near - lower);
            let weight = pin(scale * scale);
            let weights = vec2<f32>(pin(pin(1.0 - share_u) * weight), pin(share_u * weight));
            let low = first + u32(lower) * params.along;
            let high = select(low, low + params.along, lower < params.last_across);
            let step = pin(m.along.z * scale);
            let nv = pin(pin(m.along.y * y) + m.along.w) + pin(m.along.x * x);
            let start = pin4(pin4(pin(nv) + pin4(m.along.z * height)) * scale);
            let whole = floor(start);
            let v = pin4(pin4(start - whole) + pin4(offset * step));
            let seen = (whole + v >= vec4<f32>(-0.5)) & (whole + v <= vec4<f32>(params.last_along + 0.5));
            let part = floor(v);
            let share = v - part;
            let place = whole + part;
            let here = vec4<f32>(
                joined(low, high, weights, place.x),
                joined(low, high, weights, place.y),
                joined(low, high, weights, place.z),
                joined(low, high, weights, place.w),
            );
            let next = vec4<f32>(
                joined(low, high, weights, place.x + 1.0),
                joined(low, high, weights, place.y + 1.0),
                joined(low, high, weights, place.z + 1.0),
                joined(low, high, weights, place.w + 1.0),
            );
            let value = pin4(here + pin4(share * pin4(next - here)));
            sum = select(sum, sum + value, seen);
        }
        first += params.across * params.along;
    }
    for (var i = 0u; i < 4u; i++) {
        if (z[i] < end) {
            volume[volume_row(z[i] * params.ny + group.y) * params.nx + column] = sum[i];
        }
    }
}
