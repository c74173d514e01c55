// Joseph's projector where detector columns are parallel to z: one invocation samples the slices of one ray's main axis. Neighbouring
// invocations are rows of a detector column, which read voxels that lie side by side.
// Twin, formula and units: src/kernels/project/joseph_axial.rs.

// What lies between two columns of voxels; 0 above and below the volume.
fn joined(places: vec2<u32>, weights: vec2<f32>, z: i32) -> f32 {
    let at = vec2<u32>(places.x + u32(clamp(z, 0, i32(params.nz) - 1)), places.y + u32(clamp(z, 0, i32(params.nz) - 1)));
    let value = pin(weights.x * volume[at.x]) + pin(weights.y * volume[at.y]);
    return select(0.0, value, z >= 0 && z < i32(params.nz));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.rows || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let at = sums_row(row) * params.rows + id.x;
    var sum = 0.0;
    if (tile.resume == 1u) {
        sum = sums[at];
    }
    let column = columns[columns_row(row)];
    let is_x = column.axis == 0u;
    let way = select(1u, 2u, is_x && column.across_step < 0.0);
    let count = select(0u, column.count, (tile.way & way) != 0u);
    let count_a = select(params.ny, params.nx, is_x);
    let count_b = i32(select(params.nx, params.ny, is_x));
    let half = pin(f32(count_a) * 0.5) - 0.5;
    let j = f32(id.x) - params.half_rows;
    let first_y = i32(tile.first_input);
    let end_y = first_y + i32(tile.input_count);
    let first_row = max(first_y - 1, 0) * i32(params.wide);
    let origin = i32(volume_row(u32(first_row))) - first_row;
    let wide = i32(params.wide);

    for (var n = column.first; n < column.first + count; n++) {
        let ahead = f32(n) - half;
        let place = column.across + pin(ahead * column.across_step);
        let low_place = floor(place);
        // As the adjoint has them, so that rounding leaves them equal.
        let above = place - low_place;
        let below = (low_place + 1.0) - place;
        let low = i32(low_place);
        let near = clamp(low, 0, count_b - 1);
        let far = clamp(low + 1, 0, count_b - 1);
        let y = select(i32(n), near, is_x);
        if (y < first_y || y >= end_y) {
            continue;
        }
        let weights = vec2<f32>(select(0.0, 1.0 - above, low == near), select(0.0, 1.0 - below, low + 1 == far));
        let rows = select(
            vec2<i32>(i32(n) * wide + near, i32(n) * wide + far),
            vec2<i32>(near * wide + i32(n), far * wide + i32(n)),
            is_x,
        );
        let places = vec2<u32>(rows + origin) * params.deep;
        let base = column.height + pin(ahead * column.height_step);
        let step = column.rise + pin(ahead * column.rise_step);
        let z = base + pin(j * step);
        let low_z = floor(z);
        let near_z = joined(places, weights, i32(low_z));
        let far_z = joined(places, weights, i32(low_z) + 1);
        let above_z = z - low_z;
        let below_z = (low_z + 1.0) - z;
        sum = sum + (pin((1.0 - above_z) * near_z) + pin((1.0 - below_z) * far_z));
    }
    sums[at] = sum;
}
