// The finest level from pixels to pixels, its band made on the way: one word of two pixels per invocation.
// Twin, formulas and border: src/kernels/pyramid/amplify.rs, curve.rs and expand.rs.

// As `column` and `expanded`, of the image's own coarser level.
fn reduced_column(x: u32, rows: vec3<u32>, is_odd: bool) -> f32 {
    if (is_odd) {
        return at_odd(reduced[rows.y + x], reduced[rows.z + x]);
    }
    return at_even(reduced[rows.x + x], reduced[rows.y + x], reduced[rows.z + x]);
}

fn reduced_expanded(pair: u32, row: u32) -> vec2<f32> {
    let i = row / 2u;
    let near = neighbours(i, params.rows);
    let rows = vec3<u32>(reduced_row(near.x), reduced_row(i), reduced_row(near.y)) * ((params.columns + 1u) / 2u);
    let is_odd = row % 2u == 1u;
    let beside = neighbours(pair, params.columns);
    let here = reduced_column(pair, rows, is_odd);
    return along(reduced_column(beside.x, rows, is_odd), here, reduced_column(beside.y, rows, is_odd));
}

fn amplified(level: f32, band: f32) -> u32 {
    let y = pin(level + curved(band));
    return u32(floor(pin(min(max(y, 0.0), params.largest)) + 0.5));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.words || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let level = expanded(id.x, row);
    let below = reduced_expanded(id.x, row);
    let word = pixels[pixels_row(row) * params.words + id.x];
    var result = amplified(level.x, f32(word & 0xffffu) - below.x);
    if (2u * id.x + 1u < params.columns) {
        result |= amplified(level.y, f32(word >> 16u) - below.y) << 16u;
    }
    results[results_row(row) * params.words + id.x] = result;
}
