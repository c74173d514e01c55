// Pixels through the tables of the four nearest tiles, blended in f32; one invocation per pair of pixels.
// Twin and formulas: src/kernels/clahe/blend_opencv.rs.

fn across(row: u32, pair: u32, weight: f32, value: u32) -> f32 {
    let left = f32(entry(row, pair & 0xffffu, value));
    let right = f32(entry(row, pair >> 16u, value));
    return pin(pin(left * pin(1.0 - weight)) + pin(right * weight));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let words = (params.quads.width + 1u) / 2u;
    if (id.x >= words || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let upper = luts_row(rows[row] & 0xffffu);
    let lower = luts_row(rows[row] >> 16u);
    let down = bitcast<f32>(rows[params.quads.height + row]);
    let word = pixels[pixels_row(row) * words + id.x];
    var pair = 0u;
    for (var k = 0u; k < 2u; k++) {
        let x = 2u * id.x + k;
        if (x < params.quads.width) {
            let value = (word >> (16u * k)) & (params.quads.levels - 1u);
            let weight = bitcast<f32>(columns[params.quads.width + x]);
            let u = across(upper, columns[x], weight, value);
            let l = across(lower, columns[x], weight, value);
            let blended = pin(pin(u * pin(1.0 - down)) + pin(l * down));
            pair |= u32(min(round(blended), 65535.0)) << (16u * k);
        }
    }
    results[results_row(row) * words + id.x] = pair;
}
