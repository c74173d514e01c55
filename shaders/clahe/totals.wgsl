// Pixels of the tiles of a row up to and with each of them; one workgroup per row of tiles.
// Twin and formula: src/kernels/clahe/totals.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let levels = params.levels;
    let across = params.across;
    if (group.x >= 1u || group.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + group.y;
    let first = counts_row(row) * across;
    let out = results_row(row) * across;
    var run = 0u;
    for (var column = 0u; column < across; column++) {
        var own = 0u;
        for (var i = thread; i < levels; i += WORKGROUP_WIDE) {
            own += counts[(first + column) * levels + i];
        }
        scan(thread, own);
        run += sums[WORKGROUP_WIDE - 1u];
        if (thread == 0u) {
            results[out + column] = run;
        }
    }
}
