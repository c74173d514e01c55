// Values of detector columns times the lengths of their rays from slice to slice: one ray per invocation.
// Twin, formula and units: src/kernels/project/weigh.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.rows || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let column = columns[columns_row(row)];
    let slope = column.height_step + pin(pin(f32(id.x) - params.half_rows) * column.rise_step);
    let climb = pin(params.spacing_z * slope);
    let square = column.square + pin(climb * climb);
    let length = pin(square * inverse_square_root(square));
    weighed[weighed_row(row) * params.rows + id.x] = values[values_row(row) * params.rows + id.x] * length;
}
