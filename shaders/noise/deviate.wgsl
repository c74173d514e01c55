// Standard normal number from two random words.
// Twin, formula and error: src/kernels/noise/normal.rs.

fn deviate(high: u32, low: u32) -> f32 {
    let coarse = f32((high >> 16u) & 0x7fffu);
    let fine = f32((((high & 0xffffu) << 8u) | ((low >> 25u) << 1u)) + 1u);
    let p = pin(pin(coarse * 1.52587890625e-5) + pin(fine * 9.094947017729282e-13));
    let x = 1.0 - pin(2.0 * p);
    let w = max(-natural_log((4.0 * p) * (1.0 - p)), 0.0);
    var t = w - 3.0;
    var y = -7.75128557e-9;
    if (w <= 6.0) {
        y = pin(y * t) - 5.88482637e-9;
        y = pin(y * t) + 6.34378622e-7;
        y = pin(y * t) - 2.67069089e-6;
        y = pin(y * t) - 1.79744475e-5;
        y = pin(y * t) + 2.76470219e-4;
        y = pin(y * t) - 1.18255147e-3;
        y = pin(y * t) - 8.11562355e-3;
        y = pin(y * t) + 3.41716997e-1;
        y = pin(y * t) + 2.29603525;
    } else {
        t = pin(w * inverse_square_root(w)) - 3.8;
        y = 5.0817702e-5;
        y = pin(y * t) - 1.62520201e-4;
        y = pin(y * t) + 1.9989639e-4;
        y = pin(y * t) - 2.61158086e-4;
        y = pin(y * t) + 6.73631301e-4;
        y = pin(y * t) - 1.69745298e-3;
        y = pin(y * t) + 2.64512693e-3;
        y = pin(y * t) + 1.4267658;
        y = pin(y * t) + 5.1448284;
    }
    return bitcast<f32>(bitcast<u32>(y * x) | (high & 0x80000000u));
}
