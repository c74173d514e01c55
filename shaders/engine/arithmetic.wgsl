// Functions whose rounding WGSL leaves open, from additions, multiplications and integers alone.
// Twins and error bounds: src/engine/arithmetic.rs.

// 1/x for normal x with a normal result.
fn reciprocal(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    var r = bitcast<f32>(0x7ef311c7u - (bits & 0x7fffffffu));
    let a = bitcast<f32>(bits & 0x7fffffffu);
    r = pin(r * (2.0 - pin(a * r)));
    r = pin(r * (2.0 - pin(a * r)));
    r = pin(r * (2.0 - pin(a * r)));
    let e = 1.0 - pin(a * r);
    r = r + pin(r * e);
    return bitcast<f32>(bitcast<u32>(r) | (bits & 0x80000000u));
}

// 1/√x for positive normal x.
fn inverse_square_root(x: f32) -> f32 {
    let h = 0.5 * x;
    var r = bitcast<f32>(0x5f375a86u - (bitcast<u32>(x) >> 1u));
    r = pin(r * (1.5 - pin(h * pin(r * r))));
    r = pin(r * (1.5 - pin(h * pin(r * r))));
    r = pin(r * (1.5 - pin(h * pin(r * r))));
    let e = 0.5 - pin(h * pin(r * r));
    return r + pin(r * e);
}

// ln x for positive normal x.
fn natural_log(x: f32) -> f32 {
    let shifted = bitcast<u32>(x) - 0x3f3504f3u;
    let e = f32(bitcast<i32>(shifted) >> 23u);
    let f = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0;
    let z = pin(f * f);
    var p = 7.0376836292e-2;
    p = pin(p * f) - 1.1514610310e-1;
    p = pin(p * f) + 1.1676998740e-1;
    p = pin(p * f) - 1.2420140846e-1;
    p = pin(p * f) + 1.4249322787e-1;
    p = pin(p * f) - 1.6668057665e-1;
    p = pin(p * f) + 2.0000714765e-1;
    p = pin(p * f) - 2.4999993993e-1;
    p = pin(p * f) + 3.3333331174e-1;
    var y = pin(pin(pin(p * f) * z) + pin(e * -2.12194440e-4));
    y = pin(y - pin(0.5 * z));
    return pin(f + y) + pin(e * 0.693359375);
}

// exp x for −87 ≤ x ≤ 88; clamped to that range.
fn natural_exp(x: f32) -> f32 {
    let c = min(max(x, -87.0), 88.0);
    let n = floor(pin(c * 1.44269504088896341) + 0.5);
    var r = pin(c - pin(n * 0.693359375));
    r = pin(r - pin(n * -2.12194440e-4));
    var p = 1.9875691500e-4;
    p = pin(p * r) + 1.3981999507e-3;
    p = pin(p * r) + 8.3334519073e-3;
    p = pin(p * r) + 4.1665795894e-2;
    p = pin(p * r) + 1.6666665459e-1;
    p = pin(p * r) + 0.5;
    let y = pin(pin(pin(p * pin(r * r)) + r) + 1.0);
    return y * bitcast<f32>(u32(i32(n) + 127) << 23u);
}

