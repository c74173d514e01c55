// Siddon's exact radiological path: one invocation walks one ray from voxel face to voxel face.
// Twin, units and source: src/kernels/project/siddon.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let at = integrals_row(row) * params.columns + id.x;
    var sum = 0.0;
    if (tile.resume == 1u) {
        sum = integrals[at];
    }
    var ray = walk(id.x, row);
    while (ray.t < ray.end) {
        let voxel = ray.voxel;
        sum = sum + pin(piece(&ray) * volume[voxel]);
    }
    integrals[at] = sum;
}
