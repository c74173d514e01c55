// Grey values through a table, one invocation per word of two pixels.
// Twin: src/kernels/pointwise/lookup.rs.

@group(0) @binding(1) var<uniform> params: PointwiseParams;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read> entries: array<u32>;
@group(0) @binding(4) var<storage, read_write> results: array<u32>;

fn entry(pixel: u32) -> u32 {
    let place = pixel & (params.size.z - 1u);
    return (entries[place / 2u] >> (16u * (place % 2u))) & 0xffffu;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let words = params.size.y;
    if (id.x >= words || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let word = pixels[bound_row(0u, row) * words + id.x];
    var result = entry(word & 0xffffu);
    if (2u * id.x + 1u < params.size.x) {
        result |= entry(word >> 16u) << 16u;
    }
    results[bound_row(2u, row) * words + id.x] = result;
}
