// Walks through a volume in several bindings, each step led by the voxel before. Twin: src/engine/anywhere.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.walks || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    var at = (row * params.walks + id.x) * 2654435761u;
    var sum = 0u;
    for (var step = 0u; step < params.steps; step++) {
        let value = volume_at((at >> 7u) % params.all_rows, at % params.columns, params.columns);
        at = at * 1664525u + value;
        sum = sum * 3u + value;
    }
    ends[ends_row(row) * params.walks + id.x] = sum;
}
