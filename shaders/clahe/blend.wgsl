// Pixels through the tables of the four nearest tiles, blended in fixed point; one invocation per pair of pixels.
// Twin and formulas: src/kernels/clahe/blend.rs.

const WEIGHT_ONE = 4096u;

fn across(row: u32, pair: u32, weight: u32, value: u32) -> u32 {
    let left = entry(row, pair & 0xffffu, value);
    let right = entry(row, pair >> 16u, value);
    return (left * (WEIGHT_ONE - weight) + right * weight) >> 8u;
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
    let down = rows[params.quads.height + row];
    let word = pixels[pixels_row(row) * words + id.x];
    var pair = 0u;
    for (var k = 0u; k < 2u; k++) {
        let x = 2u * id.x + k;
        if (x < params.quads.width) {
            let value = (word >> (16u * k)) & (params.quads.levels - 1u);
            let weight = columns[params.quads.width + x];
            let u = across(upper, columns[x], weight, value);
            let l = across(lower, columns[x], weight, value);
            pair |= ((u * (WEIGHT_ONE - down) + l * down + 32768u) >> 16u) << (16u * k);
        }
    }
    results[results_row(row) * words + id.x] = pair;
}
