// Convolution of detector rows with the ramp filter by FFT in workgroup memory, two rows as one complex signal.
// Twin, formula and sizes: src/kernels/fdk/ramp.rs.

const THREADS = GROUP_INVOCATIONS;
// Pairs of complex numbers that one invocation owns at the largest transform.
const OWNED = 1024u / THREADS;

var<workgroup> signal: array<vec2<f32>, 2048>;

fn product(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(pin(a.x * b.x) - pin(a.y * b.y), pin(a.x * b.y) + pin(a.y * b.x));
}

fn pin2(a: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(pin(a.x), pin(a.y));
}

fn conjugate(a: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x, -a.y);
}

// The twiddle a quarter of the circle on; the table is symmetric to the bit.
fn quarter_turn(w: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(w.y, -w.x);
}

// Decimation in frequency: natural order in, bit-reversed order out. Two radix-2 stages at a time, in registers; where
// their number is odd, the last is left to `middle`.
fn forward(thread: u32) {
    let n = params.length;
    var half = n / 2u;
    while (half > 1u) {
        let quarter = half / 2u;
        let stride = n / (2u * half);
        for (var k = thread; k < n / 4u; k += THREADS) {
            let within = k & (quarter - 1u);
            let i = 4u * (k - within) + within;
            let a = signal[i];
            let b = signal[i + quarter];
            let c = signal[i + half];
            let d = signal[i + half + quarter];
            let e = pin2(a + c);
            let f = pin2(b + d);
            let v = twiddles[within * stride];
            let g = product(pin2(a - c), v);
            let h = product(pin2(b - d), quarter_turn(v));
            let w = twiddles[2u * within * stride];
            signal[i] = e + f;
            signal[i + quarter] = product(pin2(e - f), w);
            signal[i + half] = pin2(g) + pin2(h);
            signal[i + half + quarter] = product(pin2(pin2(g) - pin2(h)), w);
        }
        workgroupBarrier();
        half /= 4u;
    }
}

// Decimation in time with conjugate twiddles: bit-reversed order in, natural order out; the 1/n is in the spectra.
// Where the number of stages is odd, the first is left to `middle`.
fn inverse(thread: u32) {
    let n = params.length;
    var half = select(1u, 2u, is_odd(n));
    while (half < n) {
        let double = 2u * half;
        let stride = n / double;
        for (var k = thread; k < n / 4u; k += THREADS) {
            let within = k & (half - 1u);
            let i = 4u * (k - within) + within;
            let w = conjugate(twiddles[within * stride]);
            let a = signal[i];
            let b = pin2(product(signal[i + half], w));
            let c = signal[i + double];
            let d = pin2(product(signal[i + double + half], w));
            let e = pin2(a + b);
            let f = pin2(a - b);
            let v = twiddles[within * stride / 2u];
            let g = pin2(product(pin2(c + d), conjugate(v)));
            let h = pin2(product(pin2(c - d), conjugate(quarter_turn(v))));
            signal[i] = e + g;
            signal[i + half] = f + h;
            signal[i + double] = e - g;
            signal[i + double + half] = f - h;
        }
        workgroupBarrier();
        half *= 4u;
    }
}

// Whether the number of radix-2 stages is odd.
fn is_odd(n: u32) -> bool {
    return countTrailingZeros(n) % 2u == 1u;
}

// Multiplies by the spectrum of the filter, between the last stage of one transform and the first of the other where
// these were left over; their twiddle is 1. A single segment is multiplied in place, several are summed in `owned`.
fn middle(thread: u32, spectrum: u32, s: u32, owned: ptr<function, array<vec4<f32>, OWNED>>) {
    let n = params.length;
    let has_stage = is_odd(n);
    let is_single = params.segments == 1u;
    // As many turns for every length, so that compilers keep `owned` in registers.
    for (var o = 0u; o < OWNED; o++) {
        let k = thread + o * THREADS;
        if (k < n / 2u) {
            var a = signal[2u * k];
            var b = signal[2u * k + 1u];
            if (has_stage) {
                let difference = a - b;
                a = pin2(a + b);
                b = pin2(difference);
            }
            a = pin2(product(a, spectra[spectrum + 2u * k]));
            b = pin2(product(b, spectra[spectrum + 2u * k + 1u]));
            if (!is_single) {
                if (s > 0u) {
                    a = pin2((*owned)[o].xy + a);
                    b = pin2((*owned)[o].zw + b);
                }
                (*owned)[o] = vec4<f32>(a, b);
            }
            if (s + 1u == params.segments) {
                if (has_stage) {
                    let difference = a - b;
                    a = a + b;
                    b = difference;
                }
                signal[2u * k] = a;
                signal[2u * k + 1u] = b;
            }
        }
    }
    workgroupBarrier();
}

@compute @workgroup_size(THREADS, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let columns = params.columns;
    let rows = params.row_count;
    let segment = params.segment;
    let n = params.length;
    let row = tile.first_row + group.y;
    // Rows of a view are taken in pairs; the first of a pair does the work. Uniform over the workgroup.
    if ((row % rows) % 2u == 1u) {
        return;
    }
    let is_pair = row % rows + 1u < rows;
    let source = rows_in_row(row) * columns;
    let first_out = group.x * segment;

    var owned: array<vec4<f32>, OWNED>;
    for (var s = 0u; s < params.segments; s++) {
        for (var k = thread; k < n; k += THREADS) {
            let column = s * segment + k;
            var value = vec2<f32>(0.0, 0.0);
            if (k < segment && column < columns) {
                value.x = rows_in[source + column];
                if (is_pair) {
                    value.y = rows_in[source + columns + column];
                }
            }
            signal[k] = value;
        }
        workgroupBarrier();
        forward(thread);
        // Spectra are ordered by the shift from an input segment to this one, the most negative first.
        middle(thread, (group.x + params.segments - 1u - s) * n, s, &owned);
    }
    inverse(thread);
    let target_row = rows_out_row(row) * columns;
    for (var k = thread; k < segment; k += THREADS) {
        let column = first_out + k;
        if (column < columns) {
            rows_out[target_row + column] = signal[k].x;
            if (is_pair) {
                rows_out[target_row + columns + column] = signal[k].y;
            }
        }
    }
}
