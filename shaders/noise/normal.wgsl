// Standard normal noise, one draw per pixel.
// Twin and source: src/kernels/noise/normal.rs.

@group(0) @binding(1) var<uniform> params: NoiseParams;
@group(0) @binding(2) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let words = drawn(id.x, row, 0u);
    results[bound_row(0u, row) * params.size.x + id.x] = deviate(words.x, words.y);
}
