// Smallest, largest and sum of every row, one invocation per row, left to right.
// Twin: src/kernels/statistics/rows.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= 1u || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = values_row(row) * params.columns;
    var low = values[first];
    var high = low;
    var sum = low;
    for (var i = 1u; i < params.columns; i++) {
        let value = values[first + i];
        low = min(low, value);
        high = max(high, value);
        sum = sum + value;
    }
    results[results_row(row)] = vec4<f32>(low, high, sum, 0.0);
}
