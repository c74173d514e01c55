// Grey values at two ranks of a histogram, by one workgroup; every invocation owns a run of bins.
// Twin and formula: src/kernels/threshold/rank.rs.

var<workgroup> sums: array<u32, WORKGROUP_WIDE>;

fn exceeds(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x > b.x || (a.x == b.x && a.y > b.y);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if (group.x >= 1u || group.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + group.y;
    let bins = params.bins;
    let run = (bins + WORKGROUP_WIDE - 1u) / WORKGROUP_WIDE;
    let first = min(thread * run, bins);
    let last = min(first + run, bins);
    let source = histogram_row(row) * bins;
    let slot = results_row(row) * 4u;

    var sum = 0u;
    for (var i = first; i < last; i++) {
        sum += histogram[source + i];
    }
    sums[thread] = sum;
    workgroupBarrier();

    var below = 0u;
    var total = 0u;
    for (var t = 0u; t < WORKGROUP_WIDE; t++) {
        if (t == thread) {
            below = total;
        }
        total += sums[t];
    }
    if (thread == 0u) {
        results[slot + 2u] = total;
        results[slot + 3u] = 0u;
        if (total == 0u) {
            results[slot] = 0u;
            results[slot + 1u] = bins - 1u;
        }
    }
    if (total == 0u) {
        return;
    }
    // The value of a rank is the only bin at which the running sum comes to exceed it.
    let low = product(params.low, total - 1u);
    let high = product(params.high, total - 1u);
    for (var i = first; i < last; i++) {
        let before = product(below, params.whole);
        below += histogram[source + i];
        let after = product(below, params.whole);
        if (exceeds(after, low) && !exceeds(before, low)) {
            results[slot] = i;
        }
        if (exceeds(after, high) && !exceeds(before, high)) {
            results[slot + 1u] = i;
        }
    }
}
