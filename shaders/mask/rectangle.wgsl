// Mask of a rectangle, one invocation per word.
// Twin: src/kernels/mask/rectangle.rs.

// Bits of the word from column `first` on that lie left of column `end`.
fn below(first: u32, end: u32) -> u32 {
    let count = min(max(end, first) - first, 32u);
    return select(0xffffffffu, (1u << (count & 31u)) - 1u, count < 32u);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word_count = params.words;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = 32u * id.x;
    var bits = 0u;
    if (row >= borders[1] && row < borders[3]) {
        bits = below(first, min(borders[2], params.columns)) & ~below(first, borders[0]);
    }
    mask[mask_row(row) * word_count + id.x] = bits;
}
