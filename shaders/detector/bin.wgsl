// Means of bins of pixels.
// Twin and formula: src/kernels/detector/bin.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let view = row / params.rows;
    let first = view * params.fine_rows + (row - view * params.rows) * params.side;
    var sum = 0.0;
    for (var n = 0u; n < params.side; n++) {
        let line = fine_row(first + n) * params.fine_columns + id.x * params.side;
        for (var m = 0u; m < params.side; m++) {
            sum = sum + fine[line + m];
        }
    }
    results[results_row(row) * params.columns + id.x] = pin(sum) * params.scale;
}
