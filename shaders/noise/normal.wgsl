// Standard normal noise, one draw per pixel.
// Twin and source: src/kernels/noise/normal.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let words = drawn(id.x, row, 0u);
    results[results_row(row) * params.columns + id.x] = deviate(words.x, words.y);
}
