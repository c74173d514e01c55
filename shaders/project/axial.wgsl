// Siddon's path where detector columns are parallel to z: one invocation walks four rays of a detector column, in the plane of x
// and y from column to column of voxels, once for all of them, and each through the planes of z within. Neighbouring
// invocations walk the same way through the plane and read voxels that lie side by side.
// Twin, units and source: src/kernels/project/axial.rs.

fn values(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(volume[at.x], volume[at.y], volume[at.z], volume[at.w]);
}

// Projects rows of a view from `row` on, counted over all views, those up to `end` of the first four.
fn project(view: u32, column: u32, row: u32, end: u32) {
    let first = integrals_row(row) * params.columns + column;
    var sum = vec4<f32>(0.0);
    for (var l = 0u; l < ROWS; l++) {
        if (row + l < end && tile.resume == 1u) {
            sum[l] = integrals[first + l * params.columns];
        }
    }
    var rays = columns(view, column, row);
    while (rays.t < rays.stop) {
        let next = column_end(&rays);
        // As a rule rays pass one plane of z within a column or none, so that two voxels are asked for at once; pieces of
        // no length add nothing.
        let here = places(&rays);
        sum = sum + pin4(pieces(&rays, next) * values(here));
        pass_heights(&rays);
        let there = places(&rays);
        sum = sum + pin4(pieces(&rays, next) * values(there));
        if (any(rays.passes)) {
            pass_heights(&rays);
            continue;
        }
        pass_column(&rays, next);
    }
    sum = select(sum, sum * rays.factors, rays.is_included && rays.is_last);
    for (var l = 0u; l < ROWS; l++) {
        if (row + l < end) {
            integrals[first + l * params.columns] = sum[l];
        }
    }
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH / ROWS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let column = group.x * WORKGROUP_WIDE + thread / (WORKGROUP_HIGH / ROWS);
    let line = group.y * WORKGROUP_HIGH + thread % (WORKGROUP_HIGH / ROWS) * ROWS;
    if (column >= params.columns) {
        return;
    }
    // Rows that belong to two views are walked in turn.
    let end = tile.first_row + min(line + ROWS, tile.row_count);
    var row = tile.first_row + line;
    while (row < end) {
        let view = row / params.rows;
        let stop = min(end, (view + 1u) * params.rows);
        project(view, column, row, stop);
        row = stop;
    }
}
