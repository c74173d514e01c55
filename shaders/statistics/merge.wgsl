// Merges the statistics of the rows of each slice, one invocation per slice, first row to last.
// Twin: src/kernels/statistics/merge.rs.

@group(0) @binding(1) var<uniform> params: MergeParams;
@group(0) @binding(2) var<storage, read> rows: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> results: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= 1u || id.y >= tile.row_count) {
        return;
    }
    let slice = tile.first_row + id.y;
    let first = bound_row(0u, slice * params.size.x);
    var merged = rows[first];
    for (var i = 1u; i < params.size.x; i++) {
        let row = rows[first + i];
        let sum = merged.z + row.z;
        merged = vec4<f32>(min(merged.x, row.x), max(merged.y, row.y), sum, 0.0);
    }
    results[bound_row(1u, slice)] = merged;
}
