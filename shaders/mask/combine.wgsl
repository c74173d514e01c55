// Two masks made one, word by word.
// Twin and operation codes: src/kernels/mask/combine.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word_count = params.words;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let a = left[left_row(row) * word_count + id.x];
    let b = right[right_row(row) * word_count + id.x];
    var bits = 0u;
    switch (params.operation) {
        case 0u: { bits = a & b; }
        case 1u: { bits = a | b; }
        case 2u: { bits = a & ~b; }
        default: { bits = ~a; }
    }
    let in_row = params.columns - 32u * id.x;
    let valid = select(0xffffffffu, (1u << (in_row & 31u)) - 1u, in_row < 32u);
    combined[combined_row(row) * word_count + id.x] = bits & valid;
}
