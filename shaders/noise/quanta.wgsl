// Quantum and electronic noise of a mean signal.
// Twin and formula: src/kernels/noise/quanta.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    var signal = max(means[means_row(row) * params.columns + id.x], 0.0);
    if (params.has_quanta != 0u) {
        let count = counted(id.x, row, pin(min(signal, params.largest) * params.photons));
        signal = pin(count * params.inverse);
    }
    if (params.has_electronics != 0u) {
        let words = drawn(id.x, row, 1u);
        signal = signal + pin(params.sigma * deviate(words.x, words.y));
    }
    results[results_row(row) * params.columns + id.x] = signal;
}
