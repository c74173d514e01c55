// Reorders a volume so that its voxels lie z fastest: a workgroup transposes a square of it.
// Twin and formula: src/kernels/project/reorder.rs.

const SIDE = WORKGROUP_WIDE;

// One more in a row, so that neither direction falls on one bank.
var<workgroup> square: array<f32, SIDE * (SIDE + 1u)>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let first_row = group.y * SIDE;
    let first_slice = group.x * SIDE;
    // Rows of the result, counted over its slices, are places in a slice of the volume.
    if (first_row + local.x < tile.row_count && first_slice + local.y < tile.input_count) {
        let slice = volume_row((tile.first_input + first_slice + local.y) * params.ny);
        square[local.y * (SIDE + 1u) + local.x] = volume[slice * params.nx + tile.first_row + first_row + local.x];
    }
    workgroupBarrier();
    if (first_row + local.y < tile.row_count && first_slice + local.x < tile.input_count) {
        let place = reordered_row(tile.first_row + first_row + local.y) * params.nz;
        let z = params.first_z + tile.first_input + first_slice + local.x;
        reordered[place + z] = square[local.x * (SIDE + 1u) + local.y];
    }
}
