// Expanded coarser level plus the band through its curve: two neighbouring pixels per invocation.
// Twin, formulas and border: src/kernels/pyramid/collapse.rs, curve.rs and expand.rs.

const THREADS = WORKGROUP_WIDE / 2u;

// The same for all invocations: `shape` 0 keeps the band; bit 0 a gain, bit 1 a power, bit 2 noise containment.
fn curved(x: f32) -> f32 {
    let shape = params.shape;
    if (shape == 0u) {
        return x;
    }
    let size = abs(x);
    var gain = params.gain;
    if ((shape & 2u) != 0u) {
        let share = max(pin(size * params.inverse_scale), 1e-30);
        gain = min(pin(gain * natural_exp(pin(params.exponent * natural_log(share)))), params.ceiling);
    }
    if ((shape & 4u) != 0u) {
        let inverse = reciprocal(max(pin(params.strength * noise[0]), 1e-30));
        let t = min(pin(size * inverse), 16.0);
        let kept = pin(1.0 - pin(natural_exp(-pin(t * t))));
        gain = pin(1.0 + pin(pin(gain - 1.0) * kept));
    }
    let y = pin(x * gain);
    if (params.is_whole == 1u) {
        return floor(y + 0.5);
    }
    return y;
}

@compute @workgroup_size(THREADS, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let x = 2u * id.x;
    if (x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let level = expanded(id.x, row);
    let source = band_row(row) * params.columns + x;
    let target_place = results_row(row) * params.columns + x;
    results[target_place] = level.x + curved(band[source]);
    if (x + 1u < params.columns) {
        results[target_place + 1u] = level.y + curved(band[source + 1u]);
    }
}
