// Blurs and keeps every other column and row: one pixel of the coarser level per invocation, columns before rows. For shaders that
// say where a row begins and what a pixel of it is. Twin, weights and border: src/kernels/pyramid/reduce.rs.

// Place among 0..count, mirrored at the first and the last without repeating them.
fn mirrored(place: i32, count: u32) -> u32 {
    let last = i32(count) - 1;
    let left = abs(place);
    let right = select(left, abs(2 * last - left), left > last);
    return u32(min(right, last));
}

// Weights 1 4 6 4 1.
fn blurred(a: f32, b: f32, c: f32, d: f32, e: f32) -> f32 {
    return pin(pin(a + e) + pin(4.0 * pin(b + d))) + pin(6.0 * c);
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
        columns[i] = blurred(pixel(a, x), pixel(b, x), pixel(c, x), pixel(d, x), pixel(e, x));
    }
    // 1/256.
    var value = pin(blurred(columns[0], columns[1], columns[2], columns[3], columns[4]) * 0.00390625);
    if (params.is_whole == 1u) {
        value = floor(value + 0.5);
    }
    results[results_row(row) * params.columns + id.x] = value;
}
