// Adds up the histograms of the strips of every tile, one invocation per bin.
// Twin: src/kernels/histogram/merge.rs.

@group(0) @binding(1) var<uniform> params: MergeStripsParams;
@group(0) @binding(2) var<storage, read> strips: array<u32>;
@group(0) @binding(3) var<storage, read_write> merged: array<u32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let bins = params.size.x;
    if (id.x >= bins || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = bound_row(0u, row * params.size.y) * bins + id.x;
    var sum = 0u;
    for (var s = 0u; s < params.size.y; s++) {
        sum += strips[first + s * bins];
    }
    merged[bound_row(1u, row) * bins + id.x] = sum;
}
