// Gives a volume whose voxels lie z fastest its usual order: one voxel per invocation.
// Twin and shapes: src/kernels/project/restore.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.nx || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let at = volume_row(row) * params.nx + id.x;
    var value = 0.0;
    if (tile.resume == 1u) {
        value = volume[at];
    }
    let y = row % params.ny;
    if (y - tile.first_input < tile.input_count) {
        value = value + reordered[reordered_row(y * params.nx + id.x) * params.nz + row / params.ny];
    }
    volume[at] = value;
}
