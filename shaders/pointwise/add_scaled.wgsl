// One buffer added to another, times a quotient of sums that other kernels left on the device.
// Twin, formula and units: src/kernels/pointwise/add_scaled.rs.

@group(0) @binding(1) var<uniform> params: AddScaledParams;
@group(0) @binding(2) var<storage, read> first: array<f32>;
@group(0) @binding(3) var<storage, read> second: array<f32>;
@group(0) @binding(4) var<storage, read> numerator: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> denominator: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> results: array<f32>;

// 2⁻¹²⁶.
const SMALLEST_NORMAL = 0x1p-126;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let b = denominator[0].z;
    var quotient = 0.0;
    if (abs(b) >= SMALLEST_NORMAL) {
        quotient = pin(numerator[0].z * reciprocal(b));
    }
    let factor = pin(params.sign * quotient);
    let row = tile.first_row + id.y;
    let x = first[bound_row(0u, row) * params.columns + id.x];
    let y = second[bound_row(1u, row) * params.columns + id.x];
    results[bound_row(4u, row) * params.columns + id.x] = x + pin(factor * y);
}
