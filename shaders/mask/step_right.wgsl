// Steps from column to column, summed over bands of rows, one invocation per column and band.
// Twin: src/kernels/mask/step_right.rs.

fn pixel(first: u32, x: u32) -> i32 {
    return i32((pixels[first + x / 2u] >> (16u * (x & 1u))) & 0xffffu);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.columns;
    let rows = params.rows;
    let pair_count = params.pairs;
    let band_count = params.bands;
    if (id.x >= columns || id.y >= tile.row_count) {
        return;
    }
    let band = tile.first_row + id.y;
    var sum = 0u;
    if (id.x + 1u < columns) {
        let end = (band + 1u) * rows / band_count;
        for (var y = band * rows / band_count; y < end; y++) {
            let first = pixels_row(y) * pair_count;
            let step = pixel(first, id.x + 1u) - pixel(first, id.x);
            sum += u32(select(abs(step), max(select(step, -step, id.x < columns / 2u), 0), params.inward != 0u));
        }
    }
    steps[steps_row(band) * columns + id.x] = sum;
}
