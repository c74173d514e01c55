// Step of a dual field along the gradient of its volume, and back to length 1: one voxel per invocation.
// Twin, formula and units: src/kernels/variation/dual.rs.

fn volume_value(row: u32, column: u32) -> f32 {
    return volume[volume_row(row) * params.nx + column];
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.nx || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let u = volume_value(row, id.x);
    let next_x = volume_value(row, min(id.x + 1u, params.nx - 1u));
    // A row is its own neighbour where there is none.
    let next_y = volume_value(select(row, row + 1u, row % params.ny + 1u < params.ny), id.x);
    let next_z = volume_value(select(row, row + params.ny, row / params.ny + 1u < params.nz), id.x);
    let p_x = field_x[field_x_row(row) * params.nx + id.x] + pin(params.along_x * (next_x - u));
    let p_y = field_y[field_y_row(row) * params.nx + id.x] + pin(params.along_y * (next_y - u));
    let p_z = field_z[field_z_row(row) * params.nx + id.x] + pin(params.along_z * (next_z - u));
    let square = (pin(p_x * p_x) + pin(p_y * p_y)) + pin(p_z * p_z);
    let scale = select(1.0, inverse_square_root(square), square > 1.0);
    moved_x[moved_x_row(row) * params.nx + id.x] = p_x * scale;
    moved_y[moved_y_row(row) * params.nx + id.x] = p_y * scale;
    moved_z[moved_z_row(row) * params.nx + id.x] = p_z * scale;
}
