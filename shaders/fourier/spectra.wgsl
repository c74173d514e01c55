// Polar samples: spectra of detector rows, two of neighbouring slices as one complex signal, times the factors of their view, in the
// band of the detector and in the one beyond it. Twin and formula: src/kernels/fourier/spectra.rs.

// Pixels of both slices, or 0 beyond the row.
fn pixels(first: u32, is_pair: bool, k: u32) -> vec2<f32> {
    var value = vec2<f32>(0.0, 0.0);
    if (k < params.columns) {
        value.x = lines[first + k];
        if (is_pair) {
            value.y = lines[first + params.columns + k];
        }
    }
    return value;
}

// Writes the samples of the frequencies at `at` … `at + 3`.
fn put(target_row: u32, view: u32, at: u32, x: Four) {
    let n = params.length;
    for (var i = 0u; i < 4u; i++) {
        let number = centred(at + i, n) + n / 2u;
        for (var band = 0u; band < 2u; band++) {
            let s = (number + band * n) & (2u * n - 1u);
            let factor = factors[view * 2u * n + s];
            let re = pin(x.re[i] * factor.x) - pin(x.im[i] * factor.y);
            let im = pin(x.re[i] * factor.y) + pin(x.im[i] * factor.x);
            samples[target_row + s] = vec2<f32>(re, im);
        }
    }
}

@compute @workgroup_size(THREADS, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = params.length;
    let eighth = n / 8u;
    let row = tile.first_row + group.y;
    let view = row % params.view_count;
    let slice = row / params.view_count * 2u;
    let is_pair = slice + 1u < params.slices;
    let first = ((params.first_view + view) * params.slices + slice) * params.columns;
    for (var k = thread; k < eighth; k += THREADS) {
        let x = table(
            pixels(first, is_pair, k),
            pixels(first, is_pair, k + eighth),
            pixels(first, is_pair, k + 2u * eighth),
            pixels(first, is_pair, k + 3u * eighth),
        );
        first_stage(k, x);
        if (OWNED == 1u) { break; }
    }
    workgroupBarrier();
    let block = descend(thread);
    let target_row = samples_row(row) * 2u * n;
    for (var k = thread; k < eighth; k += THREADS) {
        let x = pinned8(ended(Eight(gathered(8u * k, 1u), gathered(8u * k + 4u, 1u)), block));
        put(target_row, view, 8u * k, x.low);
        put(target_row, view, 8u * k + 4u, x.high);
        if (OWNED == 1u) { break; }
    }
}
