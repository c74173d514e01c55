// Noise of quanta that differ in what they give: a signal from its mean and its variance.
// Twin and formula: src/kernels/noise/compound.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let given = means[means_row(row) * params.columns + id.x];
    let mean = select(0.0, given, given > params.least);
    let variance = variances[variances_row(row) * params.columns + id.x];
    var signal = mean;
    if (variance > params.least) {
        let quanta = min(pin(mean * params.quanta) * pin(mean * reciprocal(variance)), params.largest);
        if (quanta > params.least) {
            signal = counted(id.x, row, quanta) * pin(mean * reciprocal(quanta));
        }
    }
    results[results_row(row) * params.columns + id.x] = signal;
}
