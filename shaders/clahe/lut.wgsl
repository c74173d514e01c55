// Tables of tiles from their histograms, in integers; one workgroup per tile, a run of bins per invocation.
// Twin and formulas: src/kernels/clahe/lut.rs.

// ⌊n·2^32/d⌋ + 1: high word, low word.
fn scale_of(n: u32, d: u32) -> vec2<u32> {
    var rest = n % d;
    var low = 0u;
    for (var i = 0u; i < 32u; i++) {
        let is_over = rest >> 31u == 1u || 2u * rest >= d;
        rest = 2u * rest - select(0u, d, is_over);
        low = 2u * low + u32(is_over);
    }
    low += 1u;
    return vec2<u32>(n / d + select(0u, 1u, low == 0u), low);
}

// Pixels in the bin of so many levels.
fn bin_count(first: u32, width: u32) -> u32 {
    var sum = 0u;
    for (var i = 0u; i < width; i++) {
        sum += counts[first + i];
    }
    return sum;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let levels = params.levels;
    let across = params.across;
    if (group.x >= across || group.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + group.y;
    let slot = (counts_row(row) * across + group.x) * levels;
    let out = (luts_row(row) * across + group.x) * (levels / 2u);
    let owned = max(levels / WORKGROUP_WIDE, 2u);
    let first = min(thread * owned, levels);
    let end = min(first + owned, levels);

    var own = 0u;
    for (var i = first; i < end; i++) {
        own += counts[slot + i];
    }
    scan(thread, own);
    let area = sums[WORKGROUP_WIDE - 1u];
    let shared_limit = max(high_word(area, params.share), 1u);
    let limit = select(params.limit, shared_limit, params.limit == 0u);

    let group_bits = params.group_bits;
    let width = 1u << group_bits;
    var above = 0u;
    for (var i = first; i < end; i += width) {
        above += max(bin_count(slot + i, width), limit) - limit;
    }
    scan(thread, above);
    let excess = sums[WORKGROUP_WIDE - 1u];
    var run = scan(thread, own - above) - (own - above);

    let bits = countTrailingZeros(params.bins);
    let last = params.bins - 1u;
    let batch = excess >> bits;
    let rest = excess & last;
    let scale = scale_of(levels - 1u, max(area, 1u));
    // Groups lie within what an invocation owns, since there is no group without 256 bins.
    var bin = first >> group_bits;
    var sum = run + bin * batch + ((bin * rest + last) >> bits);
    var start = sum;
    for (var i = first; i < end; i += 2u) {
        var pair = array<u32, 2>(i, i + 1u);
        if (area > 0u) {
            for (var k = 0u; k < 2u; k++) {
                let level = (i + k) & (width - 1u);
                if (level == 0u) {
                    start = sum;
                    run += min(bin_count(slot + i + k, width), limit);
                    bin += 1u;
                    sum = run + bin * batch + ((bin * rest + last) >> bits);
                }
                let count = sum - start;
                let part = ((count & (width - 1u)) * (level + 1u)) >> group_bits;
                let reached = start + (count >> group_bits) * (level + 1u) + part;
                pair[k] = reached * scale.x + high_word(reached, scale.y);
            }
        }
        luts[out + i / 2u] = pair[0] | (pair[1] << 16u);
    }
}
