// A number per voxel, in small blocks: one invocation per voxel. Twin: src/engine/blocks.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH, WORKGROUP_DEEP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= params.rows || id.z >= tile.row_count / params.rows) {
        return;
    }
    let z = tile.first_row / params.rows + id.z;
    let row = z * params.rows + id.y;
    let value = values[values_row(row) * params.columns + id.x];
    mixed[mixed_row(row) * params.columns + id.x] = value * 5u + (id.x ^ (id.y << 8u) ^ (z << 16u));
}
