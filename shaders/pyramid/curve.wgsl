// What a band goes through, for shaders that bind `params` with a curve's constants and the rounding, and `noise`.
// Twin and formulas: src/kernels/pyramid/curve.rs.

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
