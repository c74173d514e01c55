// Poisson counts: a table and thinning below 16, transformed rejection up to 2^23, a normal beyond.
// Twin, formulas and errors: src/kernels/noise/poisson.rs.

// Number of entries of row `mean` of the table that `word` exceeds.
fn tabulated(mean: u32, word: u32) -> u32 {
    let first = mean * 64u;
    var count = 0u;
    for (var jump = 32u; jump > 0u; jump = jump >> 1u) {
        count = count + select(0u, jump, word > table[first + count + jump - 1u]);
    }
    return count;
}

// Mean below 16.
fn few(column: u32, row: u32, mean: f32) -> f32 {
    let whole = floor(mean);
    let threshold = u32((mean - whole) * 2147483648.0);
    var words = drawn(column, row, 2u);
    var count = tabulated(u32(whole), words.x);
    let candidates = tabulated(1u, words.y);
    for (var i = 0u; i < candidates; i++) {
        let place = (i + 2u) & 3u;
        if (i > 0u && place == 0u) {
            words = drawn(column, row, 2u + ((i + 2u) >> 2u));
        }
        count = count + select(0u, 1u, (words[place] >> 1u) < threshold);
    }
    return f32(count);
}

// Uniform number in (0, 1] from a word.
fn uniform_of(word: u32) -> f32 {
    let coarse = f32(word >> 16u);
    let fine = f32(((word & 0xffffu) << 1u) + 1u);
    return pin(pin(coarse * 1.52587890625e-5) + pin(fine * 1.1641532182693481e-10));
}

// Logarithm of the probability of k counts, without 1/√(2πk) where k > 0, with the sign changed; `over` = k − mean.
fn exponent_of(k: f32, mean: f32, over: f32) -> f32 {
    if (k < 0.5) {
        return mean;
    }
    let r = reciprocal(k);
    let z = pin(r * r);
    var s = pin(z * -0.00257628288) + 0.00859450772;
    s = pin(z * s) - 0.0332806234;
    s = pin(z * s) + 1.0;
    let stirling = pin(pin(r * s) * 0.0833333333);
    let v = pin(over * reciprocal(k + mean));
    if (abs(v) > 0.25) {
        return pin(stirling + pin(pin(k * natural_log(k * reciprocal(mean))) - over));
    }
    let q = pin(v * v);
    var h = pin(q * 0.0909090909) + 0.111111111;
    h = pin(q * h) + 0.142857143;
    h = pin(q * h) + 0.2;
    h = pin(q * h) + 0.333333333;
    let odd = pin(pin(1.0 + v) * pin(v * h)) + 1.0;
    return stirling + pin(pin(over * v) * odd);
}

// Mean from 16 to 2^23.
fn many(column: u32, row: u32, mean: f32) -> f32 {
    let root = pin(mean * inverse_square_root(mean));
    let b = pin(pin(2.53 * root) + 0.931);
    let a = pin(0.02483 * b) - 0.059;
    let inverse_alpha = pin(1.1328 * reciprocal(b - 3.4)) + 1.1239;
    let quick = 0.9277 - pin(3.6224 * reciprocal(b - 2.0));
    let whole = floor(mean);
    let part = mean - whole;
    var words = vec4<u32>();
    for (var trial = 0u; trial < 32u; trial++) {
        if ((trial & 1u) == 0u) {
            words = drawn(column, row, 2u + (trial >> 1u));
        } else {
            words = words.zwxy;
        }
        let edge = pin(0.5 * uniform_of(words.x << 1u));
        let side = bitcast<f32>(bitcast<u32>(0.5 - edge) | (words.x & 0x80000000u));
        let v = uniform_of(words.y);
        let inverse = reciprocal(edge);
        let stretch = pin(pin(2.0 * a) * inverse) + b;
        let offset = floor(pin(stretch * side) + pin(part + 0.43));
        let k = whole + offset;
        if (edge >= 0.07 && v <= quick) {
            return k;
        }
        if (k < 0.0 || (edge < 0.013 && v > edge)) {
            continue;
        }
        let slope = pin(pin(a * inverse) * inverse) + b;
        let level = pin(v * inverse_alpha) * reciprocal(slope);
        let circle = 6.28318531 * max(k, 1.0);
        let width = select(pin(circle * inverse_square_root(circle)), 1.0, k < 0.5);
        if (level * width <= natural_exp(-exponent_of(k, mean, offset - part))) {
            return k;
        }
    }
    return whole;
}

// Mean beyond 2^23.
fn countless(column: u32, row: u32, mean: f32) -> f32 {
    let words = drawn(column, row, 2u);
    let z = deviate(words.x, words.y);
    let spread = pin(pin(mean * inverse_square_root(mean)) * z);
    return floor(mean + pin(spread + pin(pin(pin(z * z) - 1.0) * 0.166666667)));
}

// Count of a pixel of a mean.
fn counted(column: u32, row: u32, mean: f32) -> f32 {
    if (mean < 16.0) {
        return few(column, row, mean);
    }
    if (mean < 8388608.0) {
        return many(column, row, mean);
    }
    return countless(column, row, mean);
}
