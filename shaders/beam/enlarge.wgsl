// A smooth map of few pixels on the pixels of a detector. Twin and formula: src/kernels/beam/enlarge.rs.

fn column(first: u32, rows: vec4<u32>, weights: vec4<f32>) -> f32 {
    let stride = params.coarse_columns;
    let upper = pin(weights.x * coarse[first + rows.x * stride]) + pin(weights.y * coarse[first + rows.y * stride]);
    let three = pin(upper) + pin(weights.z * coarse[first + rows.z * stride]);
    return pin(pin(three) + pin(weights.w * coarse[first + rows.w * stride]));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let map = coarse_row(row / params.rows * params.coarse_rows) * params.coarse_columns;
    let vertical = down[row % params.rows];
    let horizontal = across[id.x];
    let w = horizontal.weights;
    let p = horizontal.places;
    let left = pin(w.x * column(map + p.x, vertical.places, vertical.weights))
        + pin(w.y * column(map + p.y, vertical.places, vertical.weights));
    let three = pin(left) + pin(w.z * column(map + p.z, vertical.places, vertical.weights));
    let sum = pin(pin(three) + pin(w.w * column(map + p.w, vertical.places, vertical.weights)));
    fine[fine_row(row) * params.columns + id.x] = sum;
}
