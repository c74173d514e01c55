// Convolution of detector rows with the ramp filter by FFT, eight numbers of the transform at a time in registers, and the rest of
// them in workgroup memory; two rows are one complex signal. Twin, formula and sizes: src/kernels/fdk/ramp.rs.

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

// First stage, of the segment `s`.
fn load(thread: u32, source: u32, is_pair: bool, s: u32) {
    let eighth = params.length / 8u;
    for (var k = thread; k < eighth; k += THREADS) {
        let x = table(
            pixels(source, is_pair, s, k),
            pixels(source, is_pair, s, k + eighth),
            pixels(source, is_pair, s, k + 2u * eighth),
            pixels(source, is_pair, s, k + 3u * eighth),
        );
        first_stage(k, x);
        if (OWNED == 1u) { break; }
    }
    workgroupBarrier();
}

// Last stage, of the segment that begins with column `first`.
fn store(thread: u32, target_row: u32, is_pair: bool, first: u32) {
    let eighth = params.length / 8u;
    for (var k = thread; k < eighth; k += THREADS) {
        let y = last_stage(k);
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

// Multiplies by the spectrum of the filter, between the last stage of one transform and the first of the other. Segments are summed
// in `owned`.
fn middle(thread: u32, block: u32, spectrum: u32, s: u32, owned: ptr<function, array<Eight, OWNED>>) {
    // As many turns for every length, so that compilers keep `owned` in registers.
    for (var o = 0u; o < OWNED; o++) {
        let at = 8u * (thread + o * THREADS);
        if (at < params.length) {
            let y = ended(Eight(gathered(at, 1u), gathered(at + 4u, 1u)), block);
            let h = spectrum + at;
            let low = table(spectra[h], spectra[h + 1u], spectra[h + 2u], spectra[h + 3u]);
            let high = table(spectra[h + 4u], spectra[h + 5u], spectra[h + 6u], spectra[h + 7u]);
            var x = pinned8(Eight(product(y.low, low), product(y.high, high)));
            if (s > 0u) {
                x = pinned8(Eight(sum((*owned)[o].low, x.low), sum((*owned)[o].high, x.high)));
            }
            (*owned)[o] = x;
            if (s + 1u == params.segments) {
                x = begun(x, block);
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
    // Numbers in a block whose transform is left.
    var block = 8u;
    for (var s = 0u; s < params.segments; s++) {
        load(thread, rows_in_row(row) * columns, is_pair, s);
        block = descend(thread);
        // Spectra are ordered by the shift from an input segment to this one, the most negative first.
        middle(thread, block, (group.x + params.segments - 1u - s) * n, s, &owned);
    }
    ascend(thread, block);
    store(thread, rows_out_row(row) * columns, is_pair, group.x * params.segment);
}
