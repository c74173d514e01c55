// Dilation or erosion along columns, one invocation per word.
// Twin: src/kernels/mask/down.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word_count = params.words;
    let radius = params.radius;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = row - min(row, radius);
    let last = min(row + radius, params.rows - 1u);
    // Erosion is dilation of the complement; complemented words go in and come out.
    var bits = 0u;
    for (var y = first; y <= last; y++) {
        bits |= mask[mask_row(y) * word_count + id.x] ^ params.flip;
    }
    spread[spread_row(row) * word_count + id.x] = bits ^ params.flip;
}
