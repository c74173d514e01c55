// Quantum and electronic noise of a mean signal.
// Twin and formula: src/kernels/noise/quanta.rs.

@group(0) @binding(1) var<uniform> params: NoiseParams;
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read> means: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    var signal = max(means[bound_row(1u, row) * params.size.x + id.x], 0.0);
    if (params.size.z != 0u) {
        let mean = pin(min(signal, params.constants.w) * params.constants.x);
        var count = 0.0;
        if (mean < 16.0) {
            count = few(id.x, row, mean);
        } else if (mean < 8388608.0) {
            count = many(id.x, row, mean);
        } else {
            count = countless(id.x, row, mean);
        }
        signal = pin(count * params.constants.y);
    }
    if (params.size.w != 0u) {
        let words = drawn(id.x, row, 1u);
        signal = signal + pin(params.constants.z * deviate(words.x, words.y));
    }
    results[bound_row(2u, row) * params.size.x + id.x] = signal;
}
