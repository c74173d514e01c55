// Volume that belongs to a dual field: one voxel per invocation.
// Twin, formula and units: src/kernels/variation/primal.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.nx || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let at_x = field_x_row(row) * params.nx + id.x;
    var before_x = 0.0;
    if (id.x > 0u) {
        before_x = field_x[at_x - 1u];
    }
    var before_y = 0.0;
    if (row % params.ny > 0u) {
        before_y = field_y[field_y_row(row - 1u) * params.nx + id.x];
    }
    var before_z = 0.0;
    if (row >= params.ny) {
        before_z = field_z[field_z_row(row - params.ny) * params.nx + id.x];
    }
    let along_x = pin(params.along_x * (field_x[at_x] - before_x));
    let along_y = pin(params.along_y * (field_y[field_y_row(row) * params.nx + id.x] - before_y));
    let along_z = pin(params.along_z * (field_z[field_z_row(row) * params.nx + id.x] - before_z));
    let value = given[given_row(row) * params.nx + id.x] + ((along_x + along_y) + along_z);
    let raised = select(value, params.low, value < params.low);
    volume[volume_row(row) * params.nx + id.x] = select(raised, params.high, raised > params.high);
}
