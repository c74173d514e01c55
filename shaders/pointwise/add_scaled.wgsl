// One buffer added to another, times a quotient of sums that other kernels left on the device.
// Twin, formula and units: src/kernels/pointwise/add_scaled.rs.

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
    let x = first[first_row(row) * params.columns + id.x];
    let y = second[second_row(row) * params.columns + id.x];
    results[results_row(row) * params.columns + id.x] = x + pin(factor * y);
}
