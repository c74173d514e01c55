// A threshold held against a limit within the range of the values, by one invocation.
// Twin and formula: src/kernels/threshold/limit.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= 1u || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let source = found_row(row) * 4u;
    let slot = results_row(row) * 4u;
    let threshold = found[source];
    let first = found[source + 1u];
    let last = found[source + 2u];
    let limit = first + (last - first) * params.share / params.whole;
    results[slot] = select(threshold, max(first, 1u) - 1u, threshold > limit && first < last);
    results[slot + 1u] = first;
    results[slot + 2u] = last;
    results[slot + 3u] = threshold;
}
