// Convolution of detector rows with the ramp filter by FFT in workgroup memory, two rows as one complex signal.
// Twin, formula and sizes: src/kernels/fdk/ramp.rs.

@group(0) @binding(1) var<uniform> params: RampParams;
@group(0) @binding(2) var<storage, read> twiddles: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> spectra: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> rows_in: array<f32>;
@group(0) @binding(5) var<storage, read_write> rows_out: array<f32>;

const THREADS = 256u;
// Complex numbers that one thread owns at the largest transform: 2048 / 256.
const OWNED = 8u;

var<workgroup> signal: array<vec2<f32>, 2048>;

fn product(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(pin(a.x * b.x) - pin(a.y * b.y), pin(a.x * b.y) + pin(a.y * b.x));
}

// Decimation in frequency: natural order in, bit-reversed order out.
fn forward(thread: u32) {
    for (var half = params.size.w / 2u; half > 0u; half /= 2u) {
        let stride = params.size.w / (2u * half);
        for (var k = thread; k < params.size.w / 2u; k += THREADS) {
            let within = k & (half - 1u);
            let i = 2u * (k - within) + within;
            let a = signal[i];
            let b = signal[i + half];
            signal[i] = a + b;
            signal[i + half] = product(vec2<f32>(pin(a.x - b.x), pin(a.y - b.y)), twiddles[within * stride]);
        }
        workgroupBarrier();
    }
}

// Decimation in time with conjugate twiddles: bit-reversed order in, natural order out; the 1/n is in the spectra.
fn inverse(thread: u32) {
    for (var half = 1u; half < params.size.w; half *= 2u) {
        let stride = params.size.w / (2u * half);
        for (var k = thread; k < params.size.w / 2u; k += THREADS) {
            let within = k & (half - 1u);
            let i = 2u * (k - within) + within;
            let w = twiddles[within * stride];
            let a = signal[i];
            let b = product(signal[i + half], vec2<f32>(w.x, -w.y));
            signal[i] = a + vec2<f32>(pin(b.x), pin(b.y));
            signal[i + half] = a - vec2<f32>(pin(b.x), pin(b.y));
        }
        workgroupBarrier();
    }
}

@compute @workgroup_size(256, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let columns = params.size.x;
    let rows = params.size.y;
    let segment = params.size.z;
    let n = params.size.w;
    let row = tile.first_row + group.y;
    // Rows of a view are taken in pairs; the first of a pair does the work. Uniform over the workgroup.
    if ((row % rows) % 2u == 1u) {
        return;
    }
    let is_pair = row % rows + 1u < rows;
    let source = bound_row(2u, row) * columns;
    let first_out = group.x * segment;

    var owned: array<vec2<f32>, OWNED>;
    for (var s = 0u; s < params.segments.x; s++) {
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
        // Spectrum of the filter from segment s to this one, counted from the most negative shift.
        let spectrum = (group.x + params.segments.x - 1u - s) * n;
        for (var o = 0u; o < OWNED; o++) {
            let k = thread + o * THREADS;
            if (k < n) {
                let filtered = product(signal[k], spectra[spectrum + k]);
                if (s == 0u) {
                    owned[o] = filtered;
                } else {
                    owned[o] = owned[o] + vec2<f32>(pin(filtered.x), pin(filtered.y));
                }
            }
        }
        workgroupBarrier();
    }
    for (var o = 0u; o < OWNED; o++) {
        let k = thread + o * THREADS;
        if (k < n) {
            signal[k] = owned[o];
        }
    }
    workgroupBarrier();
    inverse(thread);
    let target_row = bound_row(3u, row) * columns;
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
