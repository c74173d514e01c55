// Blurs and keeps every other column and row: one pixel of the coarser level per invocation, columns before rows.
// Twin, weights and border: src/kernels/pyramid/reduce.rs.

// Where a row begins, or the row that stands for one beyond the image.
fn row_start(place: i32) -> u32 {
    return fine_row(mirrored(place, params.fine_rows)) * params.fine_columns;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let y = 2 * i32(row);
    let a = row_start(y - 2);
    let b = row_start(y - 1);
    let c = row_start(y);
    let d = row_start(y + 1);
    let e = row_start(y + 2);
    var columns: array<f32, 5>;
    for (var i = 0; i < 5; i++) {
        let x = mirrored(2 * i32(id.x) + i - 2, params.fine_columns);
        columns[i] = blurred(fine[a + x], fine[b + x], fine[c + x], fine[d + x], fine[e + x]);
    }
    // 1/256.
    var value = pin(blurred(columns[0], columns[1], columns[2], columns[3], columns[4]) * 0.00390625);
    if (params.is_whole == 1u) {
        value = floor(value + 0.5);
    }
    results[results_row(row) * params.columns + id.x] = value;
}
