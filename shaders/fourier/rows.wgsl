// Rows of a frequency grid transformed back, of which the lower half is kept as far as the image goes. Twin:
// src/kernels/fourier/rows.rs.

@compute @workgroup_size(THREADS, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = tile.first_row + group.y;
    let source = grid_row(row) * params.length;
    let target_row = mixed_row(row) * params.kept;
    let eighth = params.length / 8u;
    let block = smallest_block();
    for (var k = thread; k < eighth; k += THREADS) {
        let at = source + 8u * k;
        let low = table(grid[at], grid[at + 1u], grid[at + 2u], grid[at + 3u]);
        let high = table(grid[at + 4u], grid[at + 5u], grid[at + 6u], grid[at + 7u]);
        let x = begun(Eight(low, high), block);
        scatter(8u * k, 1u, x.low);
        scatter(8u * k + 4u, 1u, x.high);
        if (OWNED == 1u) { break; }
    }
    workgroupBarrier();
    ascend(thread, block);
    for (var k = thread; k < eighth; k += THREADS) {
        let y = last_stage(k);
        for (var i = 0u; i < 4u; i++) {
            let column = k + i * eighth - params.first;
            if (column < params.kept) {
                mixed[target_row + column] = vec2<f32>(y.re[i], y.im[i]);
            }
        }
        if (OWNED == 1u) { break; }
    }
}
