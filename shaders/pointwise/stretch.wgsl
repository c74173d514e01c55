// Table that stretches the values between two ranks, one invocation per word of two entries.
// Twin and formula: src/kernels/pointwise/stretch.rs.

fn stretched(x: u32) -> u32 {
    var low = ranks[0];
    var high = ranks[1];
    if (low == high && params.steps == 0u) {
        low = 0u;
        high = params.largest_in;
    }
    if (x < low) {
        return 0u;
    }
    if (x >= high) {
        return params.largest;
    }
    return ((x - low) * params.largest + (high - low) / 2u) / (high - low);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.words || id.y >= tile.row_count) {
        return;
    }
    let first = entries_row(tile.first_row + id.y) * params.words;
    entries[first + id.x] = stretched(2u * id.x) | (stretched(2u * id.x + 1u) << 16u);
}
