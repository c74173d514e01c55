// Adds up the histograms of the strips of every tile, one invocation per bin.
// Twin: src/kernels/histogram/merge.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let bins = params.bins;
    if (id.x >= bins || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = strips_row(row * params.strip_count) * bins + id.x;
    var sum = 0u;
    for (var s = 0u; s < params.strip_count; s++) {
        sum += strips[first + s * bins];
    }
    merged[merged_row(row) * bins + id.x] = sum;
}
