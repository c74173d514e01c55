// Columns of a grid whose rows are transformed, transformed back to rows of the two slices that they hold. Twin:
// src/kernels/fourier/columns.rs.

// Number of the column at a place in bit-reversed order.
fn number(column: u32, place_in_column: u32) -> vec2<f32> {
    return mixed[column + centred(place_in_column, params.length) * params.ny];
}

@compute @workgroup_size(THREADS, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let y = group.x;
    let pair = tile.first_row + group.y;
    let source = mixed_row(pair * params.length) * params.ny + y;
    let eighth = params.length / 8u;
    let block = smallest_block();
    for (var k = thread; k < eighth; k += THREADS) {
        let at = 8u * k;
        let low = table(number(source, at), number(source, at + 1u), number(source, at + 2u), number(source, at + 3u));
        let high = table(number(source, at + 4u), number(source, at + 5u), number(source, at + 6u), number(source, at + 7u));
        let x = begun(Eight(low, high), block);
        scatter(at, 1u, x.low);
        scatter(at + 4u, 1u, x.high);
        if (OWNED == 1u) { break; }
    }
    workgroupBarrier();
    ascend(thread, block);
    let real = (volume_row(pair) * 2u * params.ny + y) * params.nx;
    let imaginary = real + params.ny * params.nx;
    for (var k = thread; k < eighth; k += THREADS) {
        let f = last_stage(k);
        for (var i = 0u; i < 4u; i++) {
            let x = k + i * eighth - params.first;
            if (x < params.nx) {
                let scale = pin(scales_x[x] * scales_y[y]);
                volume[real + x] = scale * f.re[i];
                volume[imaginary + x] = scale * f.im[i];
            }
        }
        if (OWNED == 1u) { break; }
    }
}
