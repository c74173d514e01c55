// Grey values as real numbers, one invocation per pixel.
// Twin: src/kernels/pointwise/widen.rs.

@group(0) @binding(1) var<uniform> params: PointwiseParams;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.size.x;
    if (id.x >= columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let word = pixels[bound_row(0u, row) * params.size.y + id.x / 2u];
    results[bound_row(1u, row) * columns + id.x] = f32((word >> (16u * (id.x % 2u))) & 0xffffu);
}
