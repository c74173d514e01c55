// Raw counts of a detector from its signal.
// Twin and formula: src/kernels/detector/readout.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let own = gains[gains_row(row % params.rows) * params.columns + id.x];
    var signal = signals[signals_row(row) * params.columns + id.x];
    if (params.is_noisy != 0u) {
        let words = drawn(id.x, row, 1u);
        signal = signal + pin(params.sigma * deviate(words.x, words.y));
    }
    var count = params.offset + pin(pin(params.gain * own) * pin(signal));
    count = min(max(count, params.least), params.largest);
    if (params.is_whole != 0u) {
        count = floor(pin(count) + 0.5);
    }
    if (own <= 0.0) {
        count = select(0.0, params.full, own < 0.0);
    }
    results[results_row(row) * params.columns + id.x] = count;
}
