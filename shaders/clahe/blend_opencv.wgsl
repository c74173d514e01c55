// Pixels through the tables of the four nearest tiles, blended in f32; one invocation per pair of pixels.
// Twin and formulas: src/kernels/clahe/blend_opencv.rs.

@group(0) @binding(1) var<uniform> params: BlendParams;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read> luts: array<u32>;
@group(0) @binding(4) var<storage, read> columns: array<u32>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> results: array<u32>;

fn across(row: u32, pair: u32, weight: f32, value: u32) -> f32 {
    let left = f32(entry(row, pair & 0xffffu, value));
    let right = f32(entry(row, pair >> 16u, value));
    return pin(pin(left * pin(1.0 - weight)) + pin(right * weight));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let words = params.size.z;
    if (id.x >= words || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let upper = bound_row(1u, rows[row] & 0xffffu);
    let lower = bound_row(1u, rows[row] >> 16u);
    let down = bitcast<f32>(rows[params.size.y + row]);
    let word = pixels[bound_row(0u, row) * words + id.x];
    var pair = 0u;
    for (var k = 0u; k < 2u; k++) {
        let x = 2u * id.x + k;
        if (x < params.size.x) {
            let value = (word >> (16u * k)) & (params.size.w - 1u);
            let weight = bitcast<f32>(columns[params.size.x + x]);
            let u = across(upper, columns[x], weight, value);
            let l = across(lower, columns[x], weight, value);
            let blended = pin(pin(u * pin(1.0 - down)) + pin(l * down));
            pair |= u32(min(round(blended), 65535.0)) << (16u * k);
        }
    }
    results[bound_row(4u, row) * words + id.x] = pair;
}
