// Real values to grey values, one invocation per word of two pixels.
// Twin and formula: src/kernels/pointwise/quantise.rs.

@group(0) @binding(1) var<uniform> params: PointwiseParams;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

fn quantised(value: f32) -> u32 {
    let y = pin(pin(value * params.constants.x) + params.constants.y);
    return u32(floor(pin(min(max(y, 0.0), params.constants.z)) + 0.5));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.size.x;
    let words = params.size.y;
    if (id.x >= words || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = bound_row(0u, row) * columns;
    let x = 2u * id.x;
    var result = quantised(values[first + x]);
    if (x + 1u < columns) {
        result |= quantised(values[first + x + 1u]) << 16u;
    }
    results[bound_row(1u, row) * words + id.x] = result;
}
