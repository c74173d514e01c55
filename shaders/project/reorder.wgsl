// Reorders a volume so that its voxels lie z fastest: a workgroup transposes a square of it.
// Twin and formula: src/kernels/project/reorder.rs.

const SIDE = WORKGROUP_WIDE;

// One more in a row, so that neither direction falls on one bank.
var<workgroup> square: array<f32, SIDE * (SIDE + 1u)>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let first_line = group.y * SIDE;
    let first_slice = group.x * SIDE;
    let own = tile.first_row + first_line + local.x;
    let x = own % params.wide;
    var value = 0.0;
    if (first_line + local.x < tile.row_count && first_slice + local.y < tile.input_count && x < params.nx) {
        let line = volume_row((tile.first_input + first_slice + local.y) * params.ny + own / params.wide);
        value = volume[line * params.nx + x];
    }
    square[local.y * (SIDE + 1u) + local.x] = value;
    workgroupBarrier();
    let is_last = tile.first_input + tile.input_count == params.nz;
    let high = tile.input_count + select(0u, params.deep - params.nz, is_last);
    if (first_line + local.y < tile.row_count && first_slice + local.x < high) {
        let place = reordered_row(tile.first_row + first_line + local.y) * params.deep;
        let z = tile.first_input + first_slice + local.x;
        reordered[place + z] = square[local.x * (SIDE + 1u) + local.y];
    }
}
