// Grey values as real numbers, one invocation per pixel.
// Twin: src/kernels/pointwise/widen.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.columns;
    if (id.x >= columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let word = pixels[pixels_row(row) * params.words + id.x / 2u];
    results[results_row(row) * columns + id.x] = f32((word >> (16u * (id.x % 2u))) & 0xffffu);
}
