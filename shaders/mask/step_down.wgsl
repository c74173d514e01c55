// Steps from row to row, summed over bands of columns, one invocation per row and band.
// Twin: src/kernels/mask/step_down.rs.

fn pixel(first: u32, x: u32) -> i32 {
    return i32((pixels[first + x / 2u] >> (16u * (x & 1u))) & 0xffffu);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.columns;
    let rows = params.rows;
    let pair_count = params.pairs;
    let band_count = params.bands;
    if (id.x >= band_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    var sum = 0u;
    if (row + 1u < rows) {
        let here = pixels_row(row) * pair_count;
        let next = pixels_row(row + 1u) * pair_count;
        let end = (id.x + 1u) * columns / band_count;
        for (var x = id.x * columns / band_count; x < end; x++) {
            let step = pixel(next, x) - pixel(here, x);
            sum += u32(select(abs(step), max(select(step, -step, row < rows / 2u), 0), params.inward != 0u));
        }
    }
    steps[steps_row(row) * band_count + id.x] = sum;
}
