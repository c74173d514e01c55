// Exact adjoint of Joseph's projector where detector columns are parallel to z: one invocation gathers one voxel.
// Twin, formula and units: src/kernels/project/joseph_axial_adjoint.rs.

const ROW_MARGIN = 0.01;

// Rows of a detector column at a voxel: all within two voxels.
fn spread(place: u32, base: f32, step: f32, z: f32) -> f32 {
    let inverse = reciprocal(step);
    let radius = pin(abs(inverse) + ROW_MARGIN);
    let count = u32(floor(radius + radius) + 1.0);
    let middle = pin(pin(z - base) * inverse) + params.half_rows;
    var row = -floor(radius - middle);
    var sum = 0.0;
    for (var k = 0u; k < count; k++) {
        if (row >= 0.0 && row < f32(params.rows)) {
            let distance = abs((base + pin((row - params.half_rows) * step)) - z);
            let near = max(pin(1.0 - distance), 0.0);
            sum = sum + pin(near * weighed[place + u32(row)]);
        }
        row += 1.0;
    }
    return sum;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.nz || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let voxel = volume_row(row) * params.nz + id.x;
    var sum = 0.0;
    if (tile.resume == 1u) {
        sum = volume[voxel];
    }
    let place = vec2<u32>(row % params.nx, row / params.nx);
    let half = vec2<f32>(pin(f32(params.nx) * 0.5), pin(f32(params.ny) * 0.5)) - 0.5;
    let centred = vec2<f32>(place) - half;
    let z = f32(id.x);
    for (var k = tile.first_input; k < tile.first_input + tile.input_count; k++) {
        let view = views[k];
        let first_line = lines_row(k * params.columns);
        let first_values = weighed_row(k * params.columns) * params.rows;
        for (var axis = 0u; axis < 2u; axis++) {
            if (view.axes[axis] == 0u) {
                continue;
            }
            let reach = select(vec2<f32>(0.0, 1.0), vec2<f32>(1.0, 0.0), axis == 1u);
            let seen = pixels(view, vec3<f32>(centred - reach, 0.0), vec3<f32>(centred + reach, 0.0));
            let ahead = centred[axis];
            for (var i = seen.x; i < seen.y; i++) {
                let line = lines[first_line + i];
                if (line.axis != axis || place[axis] - line.first >= line.count) {
                    continue;
                }
                let away = pin(line.across + pin(ahead * line.across_step)) - f32(place[1u - axis]);
                let weight = max(pin(1.0 - abs(away)), 0.0);
                if (weight == 0.0) {
                    continue;
                }
                let base = line.height + pin(ahead * line.height_step);
                let step = line.rise + pin(ahead * line.rise_step);
                sum = sum + pin(weight * spread(first_values + i * params.rows, base, step, z));
            }
        }
    }
    volume[voxel] = sum;
}
