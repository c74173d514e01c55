// Voxel-driven back-projection where only v changes along z: one invocation gathers eight voxels of a column from all views.
// Twin, formula and units: src/kernels/fdk/axial.rs.

// Voxels whose first one's v is computed anew.
const RUN = 16u;

// Where a column of voxels meets the detector in one view.
struct Meeting {
    // First elements of the two detector columns, and their weights.
    low: u32,
    high: u32,
    weights: vec2<f32>,
    // v of the volume's central slice, and its change from slice to slice, as numerators; 1/w.
    along: f32,
    along_z: f32,
    scale: f32,
}

// Row `place` of the two detector columns, joined.
fn joined(met: Meeting, place: f32) -> f32 {
    let row = u32(min(max(place, 0.0), params.last_along));
    return pin(pin(met.weights.x * filtered[met.low + row]) + pin(met.weights.y * filtered[met.high + row]));
}

// Adds a view to four voxels.
fn added(sum: vec4<f32>, met: Meeting, z: vec4<u32>) -> vec4<f32> {
    let run = z / RUN * RUN;
    let height = vec4<f32>(run) - params.half_z;
    let start = pin4(pin4(met.along + pin4(met.along_z * height)) * met.scale);
    let whole = floor(start);
    let v = pin4(pin4(start - whole) + pin4(vec4<f32>(z - run) * pin(met.along_z * met.scale)));
    let seen = (whole + v >= vec4<f32>(-0.5)) & (whole + v <= vec4<f32>(params.last_along + 0.5));
    let part = floor(v);
    let place = whole + part;
    let next = place + 1.0;
    let lower = vec4<f32>(joined(met, place.x), joined(met, place.y), joined(met, place.z), joined(met, place.w));
    let upper = vec4<f32>(joined(met, next.x), joined(met, next.y), joined(met, next.z), joined(met, next.w));
    let value = pin4(lower + pin4((v - part) * pin4(upper - lower)));
    return select(sum, sum + value, seen);
}

fn load(z: vec4<u32>, column: u32, line: u32, end: u32) -> vec4<f32> {
    var sum = vec4<f32>(0.0);
    for (var i = 0u; i < 4u; i++) {
        if (z[i] < end && tile.resume == 1u) {
            sum[i] = volume[volume_row(z[i] * params.ny + line) * params.nx + column];
        }
    }
    return sum;
}

fn store(z: vec4<u32>, column: u32, line: u32, end: u32, sum: vec4<f32>) {
    for (var i = 0u; i < 4u; i++) {
        if (z[i] < end) {
            volume[volume_row(z[i] * params.ny + line) * params.nx + column] = sum[i];
        }
    }
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(global_invocation_id) id: vec3<u32>) {
    let lanes = params.lanes;
    let column = id.x / lanes;
    let line = id.y;
    if (column >= params.nx || line >= params.ny) {
        return;
    }
    // Slices of the dispatch, and of the invocation.
    let before = tile.first_row / params.ny + group.z * WORKGROUP_DEEP;
    let end = min(before + WORKGROUP_DEEP, (tile.first_row + tile.row_count) / params.ny);
    let z0 = vec4<u32>(before + id.x % lanes) + lanes * vec4<u32>(0u, 1u, 2u, 3u);
    let z1 = z0 + 4u * lanes;
    let x = f32(column) - params.half_x;
    let y = f32(line) - params.half_y;

    var s0 = load(z0, column, line, end);
    var s1 = load(z1, column, line, end);
    var first = filtered_row(tile.first_input * params.across) * params.along;
    for (var k = tile.first_input; k < tile.first_input + tile.input_count; k++) {
        let m = views[k];
        let nw = pin(pin(m.w.y * y) + m.w.w) + pin(m.w.x * x);
        let scale = reciprocal(nw);
        let u = pin(pin(pin(pin(m.across.y * y) + m.across.w) + pin(m.across.x * x)) * scale);
        if (u >= -0.5 && u <= params.last_across + 0.5 && nw > 0.0) {
            let near = min(max(u, 0.0), params.last_across);
            let lower = floor(near);
            let share = pin(near - lower);
            let weight = pin(scale * scale);
            let low = first + u32(lower) * params.along;
            let high = select(low, low + params.along, lower < params.last_across);
            let weights = vec2<f32>(pin(pin(1.0 - share) * weight), pin(share * weight));
            let along = pin(pin(pin(m.along.y * y) + m.along.w) + pin(m.along.x * x));
            let met = Meeting(low, high, weights, along, m.along.z, scale);
            s0 = added(s0, met, z0);
            if (z1.x < end) {
                s1 = added(s1, met, z1);
            }
        }
        first += params.across * params.along;
    }
    store(z0, column, line, end, s0);
    store(z1, column, line, end, s1);
}
