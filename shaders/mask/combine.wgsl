// Two masks made one, word by word.
// Twin and operation codes: src/kernels/mask/combine.rs.

@group(0) @binding(1) var<uniform> params: CombineParams;
@group(0) @binding(2) var<storage, read> left: array<u32>;
@group(0) @binding(3) var<storage, read> right: array<u32>;
@group(0) @binding(4) var<storage, read_write> combined: array<u32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word_count = params.size.y;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let a = left[bound_row(0u, row) * word_count + id.x];
    let b = right[bound_row(1u, row) * word_count + id.x];
    var bits = 0u;
    switch (params.size.z) {
        case 0u: { bits = a & b; }
        case 1u: { bits = a | b; }
        case 2u: { bits = a & ~b; }
        default: { bits = ~a; }
    }
    let in_row = params.size.x - 32u * id.x;
    let valid = select(0xffffffffu, (1u << (in_row & 31u)) - 1u, in_row < 32u);
    combined[bound_row(2u, row) * word_count + id.x] = bits & valid;
}
