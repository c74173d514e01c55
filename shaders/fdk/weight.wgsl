// Cosine and redundancy weights before the ramp filter; can exchange rows and columns and add margins on the way.
// Twin, formula and units: src/kernels/fdk/weight.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let view = row / params.rows;
    let r = row % params.rows;
    let i = f32(id.x) - params.centre_column;
    let j = f32(r) - params.centre_row;
    let c = views[view];
    let x = pin(pin(i * c.column.x) + pin(j * c.row.x)) + c.base.x;
    let y = pin(pin(i * c.column.y) + pin(j * c.row.y)) + c.base.y;
    let z = pin(pin(i * c.column.z) + pin(j * c.row.z)) + c.base.z;
    let square = pin(pin(x * x) + pin(y * y)) + pin(z * z);
    let cosine = c.base.w * inverse_square_root(square);
    let slice = projections_row(view * params.nv) * params.nu;
    // Columns in the margins repeat the outermost column.
    let measured = clamp(i32(id.x) - params.margin, 0, params.last);
    let value = projections[slice + u32(measured) * params.column_stride + r * params.row_stride];
    let weight = cosine * redundancy[view * params.columns + id.x];
    weighted[weighted_row(row) * params.columns + id.x] = value * weight;
}
