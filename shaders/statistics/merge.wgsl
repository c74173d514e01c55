// Merges the statistics of the rows of each slice, one invocation per slice, first row to last.
// Twin: src/kernels/statistics/merge.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= 1u || id.y >= tile.row_count) {
        return;
    }
    let slice = tile.first_row + id.y;
    let first = rows_row(slice * params.row_count);
    var merged = rows[first];
    for (var i = 1u; i < params.row_count; i++) {
        let row = rows[first + i];
        let sum = merged.z + row.z;
        merged = vec4<f32>(min(merged.x, row.x), max(merged.y, row.y), sum, 0.0);
    }
    results[results_row(slice)] = merged;
}
