// Exact adjoint of Joseph's projector: one invocation gathers one voxel from the rays that pass beside it.
// Twin, formula and units: src/kernels/project/joseph_adjoint.rs.

const LEAST_W = 1e-6;

// A form at a place from the volume's centre.
fn form_at(f: vec4<f32>, place: vec3<f32>) -> f32 {
    return pin(pin(f.x * place.x) + pin(f.y * place.y)) + pin(pin(f.z * place.z) + f.w);
}

// A form at the four corners of a square, given its steps along both sides.
fn corners(middle: f32, b: f32, c: f32) -> vec4<f32> {
    let sum = pin(b + c);
    let difference = pin(b - c);
    return vec4<f32>(middle - sum, middle - difference, middle + difference, middle + sum);
}

// Pixels from the first to before the last.
fn span(places: vec4<f32>, count: u32) -> vec2<u32> {
    let low = pin(min(min(places.x, places.y), min(places.z, places.w))) - params.margin;
    let high = pin(max(max(places.x, places.y), max(places.z, places.w))) + params.margin;
    let first = min(max(ceil(low), 0.0), f32(count));
    let end = min(max(floor(high) + 1.0, first), f32(count));
    return vec2<u32>(vec2<f32>(first, end));
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
    let place = vec3<u32>(id.x, row % params.ny, row / params.ny);
    let counts = vec3<u32>(params.nx, params.ny, params.nz);
    let half = vec3<f32>(pin(f32(counts.x) * 0.5), pin(f32(counts.y) * 0.5), pin(f32(counts.z) * 0.5)) - 0.5;
    let centred = vec3<f32>(place) - half;
    for (var k = tile.first_input; k < tile.first_input + tile.input_count; k++) {
        let view = views[k];
        let middle_u = form_at(view.u, centred);
        let middle_v = form_at(view.v, centred);
        let middle_w = form_at(view.w, centred);
        let stack = lines_row(k * params.rows) * params.columns;
        let pixels = integrals_row(k * params.rows) * params.columns;
        for (var axis = 0u; axis < 3u; axis++) {
            if (view.axes[axis] == 0u) {
                continue;
            }
            let b = select(0u, 1u, axis == 0u);
            let c = select(2u, 1u, axis == 2u);
            let w = corners(middle_w, view.w[b], view.w[c]);
            var across = vec2<u32>(0u, params.columns);
            var along = vec2<u32>(0u, params.rows);
            if (all(w > vec4<f32>(LEAST_W))) {
                let scale = reciprocal4(w);
                across = span(pin4(corners(middle_u, view.u[b], view.u[c]) * scale), params.columns);
                along = span(pin4(corners(middle_v, view.v[b], view.v[c]) * scale), params.rows);
            }
            let ahead = centred[axis];
            for (var j = along.x; j < along.y; j++) {
                for (var i = across.x; i < across.y; i++) {
                    let at = j * params.columns + i;
                    let line = lines[stack + at];
                    if (line.axis != axis || place[axis] - line.first >= line.count) {
                        continue;
                    }
                    let from_b = pin(line.across + pin(ahead * line.across_step)) - f32(place[b]);
                    let from_c = pin(line.along + pin(ahead * line.along_step)) - f32(place[c]);
                    let weight = pin(max(pin(1.0 - abs(from_b)), 0.0) * max(pin(1.0 - abs(from_c)), 0.0));
                    sum = sum + pin(weight * pin(line.length * integrals[pixels + at]));
                }
            }
        }
    }
    volume[voxel] = sum;
}
