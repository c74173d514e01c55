// Mask of the components that are kept, one invocation per word.
// Twin: src/kernels/mask/select.rs.

const NONE = 0xffffffffu;

fn is_kept(label: u32) -> bool {
    if (params.keep_uncounted == 0u) {
        return label != NONE && label == best[0];
    }
    // Labels are those of the background: its holes, and what was set before.
    return label == NONE || counts[label] == 0u;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.columns;
    let word_count = params.words;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = row * columns + 32u * id.x;
    var bits = 0u;
    for (var k = 0u; k < min(32u, columns - 32u * id.x); k++) {
        bits |= select(0u, 1u, is_kept(labels[first + k])) << k;
    }
    mask[mask_row(row) * word_count + id.x] = bits;
}
