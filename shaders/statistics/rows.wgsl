// Smallest, largest and sum of every row, one invocation per row, left to right.
// Twin: src/kernels/statistics/rows.rs.

@group(0) @binding(1) var<uniform> params: RowsParams;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> results: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= 1u || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = bound_row(0u, row) * params.size.x;
    var low = values[first];
    var high = low;
    var sum = low;
    for (var i = 1u; i < params.size.x; i++) {
        let value = values[first + i];
        low = min(low, value);
        high = max(high, value);
        sum = sum + value;
    }
    results[bound_row(1u, row)] = vec4<f32>(low, high, sum, 0.0);
}
