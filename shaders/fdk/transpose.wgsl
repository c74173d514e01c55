// Exchange of rows and columns. Twin: src/kernels/fdk/transpose.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.rows || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = stack_row(row / params.columns * params.rows + id.x) * params.columns;
    transposed[transposed_row(row) * params.rows + id.x] = stack[first + row % params.columns];
}
