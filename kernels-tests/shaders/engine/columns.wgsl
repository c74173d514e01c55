// Running sums along z: one invocation owns a column of WORKGROUP_DEEP slices. Twin: src/engine/columns.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= params.rows) {
        return;
    }
    let before = tile.first_row / params.rows;
    let first = before + id.z * WORKGROUP_DEEP;
    let end = min(first + WORKGROUP_DEEP, before + tile.row_count / params.rows);
    // What all voxels of a column share.
    let share = (id.x * 2654435761u) ^ (id.y * 40503u);
    for (var z = first; z < end; z++) {
        let row = z * params.rows + id.y;
        let value = values[values_row(row) * params.columns + id.x];
        mixed[mixed_row(row) * params.columns + id.x] = value * (z + 1u) + share;
    }
}
