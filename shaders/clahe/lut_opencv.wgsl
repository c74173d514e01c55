// Tables of tiles from their histograms, as OpenCV; one workgroup per tile, a run of bins each.
// Twin and formulas: src/kernels/clahe/lut_opencv.rs.

// Nearest f32: both parts are exact, so that only their sum is rounded.
fn rounded(n: u32) -> f32 {
    return pin(f32(n >> 12u) * 4096.0) + f32(n & 0xfffu);
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
    var limit = params.limit;
    if (limit == 0u) {
        limit = max(high_word(area, params.share), 1u);
    }

    var above = 0u;
    for (var i = first; i < end; i++) {
        above += max(counts[slot + i], limit) - limit;
    }
    scan(thread, above);
    let excess = sums[WORKGROUP_WIDE - 1u];
    var run = scan(thread, own - above) - (own - above);

    let bins = params.bins;
    let batch = excess / bins;
    let rest = excess % bins;
    let stride = max(bins / max(rest, 1u), 1u);
    var scale = params.scale;
    if (params.scale == 0.0) {
        scale = pin(f32(bins - 1u) * reciprocal(rounded(max(area, 1u))));
    }
    for (var i = first; i < end; i += 2u) {
        var pair = array<u32, 2>(i, i + 1u);
        if (area > 0u) {
            for (var k = 0u; k < 2u; k++) {
                run += min(counts[slot + i + k], limit);
                let bin = i + k;
                let sum = run + (bin + 1u) * batch + min(bin / stride + 1u, rest);
                pair[k] = u32(min(round(pin(rounded(sum) * scale)), 65535.0));
            }
        }
        luts[out + i / 2u] = pair[0] | (pair[1] << 16u);
    }
}
