// Exact adjoint of Joseph's projector: one invocation gathers one voxel from the rays that pass beside it.
// Twin, formula and units: src/kernels/project/joseph_adjoint.rs.

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
        let stack = lines_row(k * params.rows) * params.columns;
        let values = integrals_row(k * params.rows) * params.columns;
        for (var axis = 0u; axis < 3u; axis++) {
            if (view.axes[axis] == 0u) {
                continue;
            }
            let b = select(0u, 1u, axis == 0u);
            let c = select(2u, 1u, axis == 2u);
            let reach = select(vec3<f32>(1.0), vec3<f32>(0.0), vec3<u32>(0u, 1u, 2u) == vec3<u32>(axis));
            let seen = pixels(view, centred - reach, centred + reach);
            let ahead = centred[axis];
            for (var j = seen.z; j < seen.w; j++) {
                for (var i = seen.x; i < seen.y; i++) {
                    let at = j * params.columns + i;
                    let line = lines[stack + at];
                    if (line.axis != axis || place[axis] - line.first >= line.count) {
                        continue;
                    }
                    let from_b = pin(line.across + pin(ahead * line.across_step)) - f32(place[b]);
                    let from_c = pin(line.along + pin(ahead * line.along_step)) - f32(place[c]);
                    let weight = pin(max(pin(1.0 - abs(from_b)), 0.0) * max(pin(1.0 - abs(from_c)), 0.0));
                    sum = sum + pin(weight * pin(line.length * integrals[values + at]));
                }
            }
        }
    }
    volume[voxel] = sum;
}
