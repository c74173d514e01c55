// Convolution of detector rows with the ramp filter by FFT, eight numbers of the transform at a time in registers, and the rest of
// them in workgroup memory; two rows are one complex signal. Twin, formula and sizes: src/kernels/fdk/ramp.rs.

const THREADS = GROUP_INVOCATIONS;
// Eights that one invocation owns at the largest transform. Where that is one, loops over them end after one turn whatever the length,
// which compilers see.
const OWNED = 256u / THREADS;
const HALF_ROOT = 0.70710678;

var<workgroup> signal: array<vec2<f32>, 2048>;

struct Four {
    re: vec4<f32>,
    im: vec4<f32>,
}

struct Eight {
    low: Four,
    high: Four,
}

// Where a number of the signal lies: invocations that stand next to each other reach different banks in every stage. Bit by
// bit, so that the place of a sum without carries is that of one part turned over by the other's.
fn place(index: u32) -> u32 {
    return index ^ ((index >> 4u) & 7u) ^ ((index >> 2u) & 8u);
}

fn gathered(at: u32, stride: u32) -> Four {
    let first = place(at);
    let a = signal[first];
    let b = signal[first ^ place(stride)];
    let c = signal[first ^ place(2u * stride)];
    let d = signal[first ^ place(3u * stride)];
    return Four(vec4<f32>(a.x, b.x, c.x, d.x), vec4<f32>(a.y, b.y, c.y, d.y));
}

fn scatter(at: u32, stride: u32, x: Four) {
    let first = place(at);
    signal[first] = vec2<f32>(x.re.x, x.im.x);
    signal[first ^ place(stride)] = vec2<f32>(x.re.y, x.im.y);
    signal[first ^ place(2u * stride)] = vec2<f32>(x.re.z, x.im.z);
    signal[first ^ place(3u * stride)] = vec2<f32>(x.re.w, x.im.w);
}

fn table(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>) -> Four {
    return Four(vec4<f32>(a.x, b.x, c.x, d.x), vec4<f32>(a.y, b.y, c.y, d.y));
}

fn product(a: Four, b: Four) -> Four {
    return Four(pin4(a.re * b.re) - pin4(a.im * b.im), pin4(a.re * b.im) + pin4(a.im * b.re));
}

fn conjugate(a: Four) -> Four {
    return Four(a.re, -a.im);
}

fn pinned(a: Four) -> Four {
    return Four(pin4(a.re), pin4(a.im));
}

fn pinned8(a: Eight) -> Eight {
    return Eight(pinned(a.low), pinned(a.high));
}

fn sum(a: Four, b: Four) -> Four {
    return Four(a.re + b.re, a.im + b.im);
}

fn difference(a: Four, b: Four) -> Four {
    return Four(a.re - b.re, a.im - b.im);
}

// Number i turned by −i/8 of the circle.
fn turned(a: Four) -> Four {
    let p = pin4(HALF_ROOT * pin4(a.re + a.im));
    let m = pin4(HALF_ROOT * pin4(a.im - a.re));
    return Four(vec4<f32>(a.re.x, p.y, a.im.z, m.w), vec4<f32>(a.im.x, m.y, -a.re.z, -p.w));
}

// Number i turned by i/8 of the circle.
fn turned_back(a: Four) -> Four {
    let p = pin4(HALF_ROOT * pin4(a.re + a.im));
    let m = pin4(HALF_ROOT * pin4(a.im - a.re));
    return Four(vec4<f32>(a.re.x, -m.y, -a.im.z, -p.w), vec4<f32>(a.im.x, p.y, a.re.z, -m.w));
}

// Sums and differences of numbers two apart; the last difference is turned by −90°.
fn halves(a: Four) -> Four {
    let re = vec4<f32>(a.re.xy + a.re.zw, a.re.xy - a.re.zw);
    let im = vec4<f32>(a.im.xy + a.im.zw, a.im.xy - a.im.zw);
    return pinned(Four(vec4<f32>(re.xyz, im.w), vec4<f32>(im.xyz, -re.w)));
}

// The inverse of that, but for a factor of 2.
fn halves_back(a: Four) -> Four {
    let re = vec4<f32>(a.re.xyz, -a.im.w);
    let im = vec4<f32>(a.im.xyz, a.re.w);
    return pinned(Four(vec4<f32>(re.xy + re.zw, re.xy - re.zw), vec4<f32>(im.xy + im.zw, im.xy - im.zw)));
}

// Sums and differences of neighbours.
fn pairs(a: Four) -> Four {
    let re = vec4<f32>(a.re.xz + a.re.yw, a.re.xz - a.re.yw);
    let im = vec4<f32>(a.im.xz + a.im.yw, a.im.xz - a.im.yw);
    return pinned(Four(re.xzyw, im.xzyw));
}

// First step of the transform of eight numbers: what the even and what the odd frequencies are made of.
fn parted(x: Eight) -> Eight {
    return Eight(pinned(sum(x.low, x.high)), turned(pinned(difference(x.low, x.high))));
}

// The other steps, for numbers in natural order; frequencies come out in bit-reversed order.
fn transformed(x: Eight) -> Eight {
    return Eight(pairs(halves(x.low)), pairs(halves(x.high)));
}

// The inverse transform but for its last step, which takes sums and differences of both halves.
fn transformed_back(x: Eight) -> Eight {
    return Eight(halves_back(pairs(x.low)), turned_back(halves_back(pairs(x.high))));
}

// Twiddles of the numbers `within` of the eighths of a block, whose table begins at `first`.
fn twiddle(first: u32, eighth: u32, within: u32) -> Eight {
    let at = first + within;
    let low = table(
        vec2<f32>(1.0, 0.0),
        twiddles[at],
        twiddles[at + eighth],
        twiddles[at + 2u * eighth],
    );
    let high = table(
        twiddles[at + 3u * eighth],
        twiddles[at + 4u * eighth],
        twiddles[at + 5u * eighth],
        twiddles[at + 6u * eighth],
    );
    return Eight(low, high);
}

// The first number's twiddle is 1.
fn twisted(x: Eight, w: Eight) -> Eight {
    let low = product(x.low, w.low);
    return Eight(Four(vec4<f32>(x.low.re.x, low.re.yzw), vec4<f32>(x.low.im.x, low.im.yzw)), product(x.high, w.high));
}

// Eight numbers, a stride apart, and their inverse transform but for its last step.
fn gathered_back(at: u32, stride: u32, w: Eight) -> Eight {
    let x = Eight(gathered(at, stride), gathered(at + 4u * stride, stride));
    return transformed_back(pinned8(twisted(x, Eight(conjugate(w.low), conjugate(w.high)))));
}

// Two rows of the input in a segment, or 0 beyond it.
fn pixels(source: u32, is_pair: bool, s: u32, k: u32) -> vec2<f32> {
    let column = s * params.segment + k;
    var value = vec2<f32>(0.0, 0.0);
    if (k < params.segment && column < params.columns) {
        value.x = rows_in[source + column];
        if (is_pair) {
            value.y = rows_in[source + params.columns + column];
        }
    }
    return value;
}

// First stage: eighths of the signal, the upper four of which are 0.
fn load(thread: u32, source: u32, is_pair: bool, s: u32) {
    let eighth = params.length / 8u;
    for (var k = thread; k < eighth; k += THREADS) {
        let x = table(
            pixels(source, is_pair, s, k),
            pixels(source, is_pair, s, k + eighth),
            pixels(source, is_pair, s, k + 2u * eighth),
            pixels(source, is_pair, s, k + 3u * eighth),
        );
        let y = twisted(transformed(Eight(x, turned(x))), twiddle(0u, eighth, k));
        scatter(k, eighth, y.low);
        scatter(k + 4u * eighth, eighth, y.high);
        if (OWNED == 1u) { break; }
    }
    workgroupBarrier();
}

// Last stage: the lower half of the signal alone.
fn store(thread: u32, target_row: u32, is_pair: bool, first: u32) {
    let eighth = params.length / 8u;
    for (var k = thread; k < eighth; k += THREADS) {
        let x = gathered_back(k, eighth, twiddle(0u, eighth, k));
        let y = sum(x.low, x.high);
        for (var i = 0u; i < 4u; i++) {
            let within = k + i * eighth;
            let column = first + within;
            if (within < params.segment && column < params.columns) {
                rows_out[target_row + column] = y.re[i];
                if (is_pair) {
                    rows_out[target_row + params.columns + column] = y.im[i];
                }
            }
        }
        if (OWNED == 1u) { break; }
    }
}

// Multiplies by the spectrum of the filter, between the last stage of one transform and the first of the other: blocks of two, four
// or eight numbers without twiddles. Segments are summed in `owned`.
fn middle(thread: u32, block: u32, spectrum: u32, s: u32, owned: ptr<function, array<Eight, OWNED>>) {
    // As many turns for every length, so that compilers keep `owned` in registers.
    for (var o = 0u; o < OWNED; o++) {
        let at = 8u * (thread + o * THREADS);
        if (at < params.length) {
            var x = Eight(gathered(at, 1u), gathered(at + 4u, 1u));
            if (block == 8u) {
                x = parted(x);
            }
            if (block >= 4u) {
                x = Eight(halves(x.low), halves(x.high));
            }
            let h = spectrum + at;
            let low = table(spectra[h], spectra[h + 1u], spectra[h + 2u], spectra[h + 3u]);
            let high = table(spectra[h + 4u], spectra[h + 5u], spectra[h + 6u], spectra[h + 7u]);
            x = pinned8(Eight(product(pairs(x.low), low), product(pairs(x.high), high)));
            if (s > 0u) {
                x = pinned8(Eight(sum((*owned)[o].low, x.low), sum((*owned)[o].high, x.high)));
            }
            (*owned)[o] = x;
            if (s + 1u == params.segments) {
                x = Eight(pairs(x.low), pairs(x.high));
                if (block >= 4u) {
                    x = Eight(halves_back(x.low), halves_back(x.high));
                }
                if (block == 8u) {
                    let high = turned_back(x.high);
                    x = Eight(sum(x.low, high), difference(x.low, high));
                }
                scatter(at, 1u, x.low);
                scatter(at + 4u, 1u, x.high);
            }
        }
    }
    workgroupBarrier();
}

@compute @workgroup_size(THREADS, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let columns = params.columns;
    let n = params.length;
    let row = tile.first_row + group.y;
    // Rows of a view are taken in pairs; the first of a pair does the work. Uniform over the workgroup.
    if ((row % params.row_count) % 2u == 1u) {
        return;
    }
    let is_pair = row % params.row_count + 1u < params.row_count;

    var owned: array<Eight, OWNED>;
    // Numbers in a block whose transform is left, and where the twiddles of that begin.
    var block = n;
    var first = 0u;
    for (var s = 0u; s < params.segments; s++) {
        load(thread, rows_in_row(row) * columns, is_pair, s);
        block = n / 8u;
        first = 7u * block;
        while (block > 8u) {
            let eighth = block / 8u;
            for (var k = thread; k < n / 8u; k += THREADS) {
                let within = k & (eighth - 1u);
                let at = 8u * (k - within) + within;
                let x = Eight(gathered(at, eighth), gathered(at + 4u * eighth, eighth));
                let y = twisted(transformed(parted(x)), twiddle(first, eighth, within));
                scatter(at, eighth, y.low);
                scatter(at + 4u * eighth, eighth, y.high);
                if (OWNED == 1u) { break; }
            }
            workgroupBarrier();
            first += 7u * eighth;
            block = eighth;
        }
        // Spectra are ordered by the shift from an input segment to this one, the most negative first.
        middle(thread, block, (group.x + params.segments - 1u - s) * n, s, &owned);
    }
    while (block < n / 8u) {
        first -= 7u * block;
        for (var k = thread; k < n / 8u; k += THREADS) {
            let within = k & (block - 1u);
            let at = 8u * (k - within) + within;
            let x = gathered_back(at, block, twiddle(first, block, within));
            scatter(at, block, sum(x.low, x.high));
            scatter(at + 4u * block, block, difference(x.low, x.high));
            if (OWNED == 1u) { break; }
        }
        workgroupBarrier();
        block *= 8u;
    }
    store(thread, rows_out_row(row) * columns, is_pair, group.x * params.segment);
}
