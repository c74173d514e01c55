// A threshold held against a limit within the range of the values, by one invocation.
// Twin and formula: src/kernels/threshold/limit.rs.

@group(0) @binding(1) var<uniform> params: LimitParams;
@group(0) @binding(2) var<storage, read> found: array<u32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= 1u || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let source = bound_row(0u, row) * 4u;
    let slot = bound_row(1u, row) * 4u;
    let threshold = found[source];
    let first = found[source + 1u];
    let last = found[source + 2u];
    let limit = first + (last - first) * params.size.x / params.size.y;
    results[slot] = select(threshold, max(first, 1u) - 1u, threshold > limit && first < last);
    results[slot + 1u] = first;
    results[slot + 2u] = last;
    results[slot + 3u] = threshold;
}
