// Product of two buffers.
// Twin, formula and units: src/kernels/pointwise/multiply.rs.

@group(0) @binding(1) var<uniform> params: PointwiseParams;
@group(0) @binding(2) var<storage, read> first: array<f32>;
@group(0) @binding(3) var<storage, read> second: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let x = first[bound_row(0u, row) * params.size.x + id.x];
    let y = second[bound_row(1u, row) * params.size.x + id.x];
    results[bound_row(2u, row) * params.size.x + id.x] = pin(x * y);
}
