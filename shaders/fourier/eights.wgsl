// Transforms of complex signals in workgroup memory, eight numbers at a time in registers: decimation in frequency forward, in time
// back, so that frequencies stand in bit-reversed order; signals are 0 in their upper half, and only the lower half comes back.
// Shared by shaders with `twiddles` and `params.length`, from 16 to 2048. Twin: src/kernels/fourier/signals.rs.

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

// First stage at number `k` of each eighth, of which `x` are the lower four.
fn first_stage(k: u32, x: Four) {
    let eighth = params.length / 8u;
    let y = twisted(transformed(Eight(x, turned(x))), twiddle(0u, eighth, k));
    scatter(k, eighth, y.low);
    scatter(k + 4u * eighth, eighth, y.high);
}

// The stages that follow; gives the length of the blocks whose transform is left: two, four or eight.
fn descend(thread: u32) -> u32 {
    let n = params.length;
    var block = n / 8u;
    while (block > 8u) {
        let eighth = block / 8u;
        for (var k = thread; k < n / 8u; k += THREADS) {
            let within = k & (eighth - 1u);
            let at = 8u * (k - within) + within;
            let x = Eight(gathered(at, eighth), gathered(at + 4u * eighth, eighth));
            let y = twisted(transformed(parted(x)), twiddle(n - block, eighth, within));
            scatter(at, eighth, y.low);
            scatter(at + 4u * eighth, eighth, y.high);
            if (OWNED == 1u) { break; }
        }
        workgroupBarrier();
        block = eighth;
    }
    return block;
}

// What is left of eight neighbours.
fn ended(neighbours: Eight, block: u32) -> Eight {
    var x = neighbours;
    if (block == 8u) {
        x = parted(x);
    }
    if (block >= 4u) {
        x = Eight(halves(x.low), halves(x.high));
    }
    return Eight(pairs(x.low), pairs(x.high));
}

// The way back of eight neighbours, through blocks of two, four or eight.
fn begun(frequencies: Eight, block: u32) -> Eight {
    var x = Eight(pairs(frequencies.low), pairs(frequencies.high));
    if (block >= 4u) {
        x = Eight(halves_back(x.low), halves_back(x.high));
    }
    if (block == 8u) {
        let high = turned_back(x.high);
        x = Eight(sum(x.low, high), difference(x.low, high));
    }
    return x;
}

// The stages back but for the last one.
fn ascend(thread: u32, smallest: u32) {
    let n = params.length;
    var block = smallest;
    while (block < n / 8u) {
        for (var k = thread; k < n / 8u; k += THREADS) {
            let within = k & (block - 1u);
            let at = 8u * (k - within) + within;
            let x = gathered_back(at, block, twiddle(n - 8u * block, block, within));
            scatter(at, block, sum(x.low, x.high));
            scatter(at + 4u * block, block, difference(x.low, x.high));
            if (OWNED == 1u) { break; }
        }
        workgroupBarrier();
        block *= 8u;
    }
}

// Last stage at number `k` of each eighth: the lower four.
fn last_stage(k: u32) -> Four {
    let eighth = params.length / 8u;
    let x = gathered_back(k, eighth, twiddle(0u, eighth, k));
    return sum(x.low, x.high);
}

// Length of the blocks that have no twiddles.
fn smallest_block() -> u32 {
    var block = params.length / 8u;
    while (block > 8u) {
        block /= 8u;
    }
    return block;
}
