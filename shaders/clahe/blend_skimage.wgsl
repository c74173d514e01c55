// Pixels through the tables of the four nearest tiles, blended as scikit-image; one invocation per pair of pixels.
// Twin and formulas: src/kernels/clahe/blend_skimage.rs.

const VALUE_BITS = 14u;
// 24 bits of an f32 and the one after them.
const ROUNDED_FROM = 1u << 24u;

// The f32 nearest to value·part/area, half to even; part ≤ area ≤ 2^30. The value is taken bit by bit, then the
// quotient is continued until it has 25 bits.
fn ratio(value: u32, part: u32, area: u32) -> f32 {
    if (value == 0u || part == 0u) {
        return 0.0;
    }
    var quotient = 0u;
    var rest = 0u;
    for (var i = VALUE_BITS; i > 0u; i--) {
        let next = 2u * rest + part * ((value >> (i - 1u)) & 1u);
        quotient = 2u * quotient + next / area;
        rest = next % area;
    }
    var exponent = 1u;
    while (quotient < ROUNDED_FROM) {
        rest = 2u * rest;
        quotient = 2u * quotient;
        if (rest >= area) {
            rest -= area;
            quotient += 1u;
        }
        exponent += 1u;
    }
    let is_up = (quotient & 1u) == 1u && (rest > 0u || (quotient & 2u) == 2u);
    let digits = (quotient >> 1u) + select(0u, 1u, is_up);
    // digits·2^−(exponent − 2), both exact.
    return f32(digits) * bitcast<f32>((129u - exponent) << 23u);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let words = (params.quads.width + 1u) / 2u;
    if (id.x >= words || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let width = params.quads.tile_width;
    let height = params.quads.tile_height;
    let area = width * height;
    let upper = luts_row(rows[row] & 0xffffu);
    let lower = luts_row(rows[row] >> 16u);
    let ny = rows[params.quads.height + row];
    let word = pixels[pixels_row(row) * words + id.x];
    var pair = 0u;
    for (var k = 0u; k < 2u; k++) {
        let x = 2u * id.x + k;
        if (x < params.quads.width) {
            let value = (word >> (16u * k)) & (params.quads.levels - 1u);
            let nx = columns[params.quads.width + x];
            let left = columns[x] & 0xffffu;
            let right = columns[x] >> 16u;
            var sum = pin(ratio(entry(upper, left, value), (width - nx) * (height - ny), area));
            sum = pin(sum + pin(ratio(entry(upper, right, value), nx * (height - ny), area)));
            sum = pin(sum + pin(ratio(entry(lower, left, value), (width - nx) * ny, area)));
            sum = pin(sum + pin(ratio(entry(lower, right, value), nx * ny, area)));
            pair |= u32(i32(sum)) << (16u * k);
        }
    }
    results[results_row(row) * words + id.x] = pair;
}
