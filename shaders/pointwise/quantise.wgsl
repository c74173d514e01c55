// Real values to grey values, one invocation per word of two pixels.
// Twin and formula: src/kernels/pointwise/quantise.rs.

fn quantised(value: f32) -> u32 {
    let y = pin(pin(value * params.scale) + params.offset);
    return u32(floor(pin(min(max(y, 0.0), params.largest)) + 0.5));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.columns;
    let words = params.words;
    if (id.x >= words || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = values_row(row) * columns;
    let x = 2u * id.x;
    var result = quantised(values[first + x]);
    if (x + 1u < columns) {
        result |= quantised(values[first + x + 1u]) << 16u;
    }
    results[results_row(row) * words + id.x] = result;
}
