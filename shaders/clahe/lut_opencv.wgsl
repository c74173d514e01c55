// Tables of tiles from their histograms, as OpenCV; one workgroup per tile, a run of bins each.
// Twin and formulas: src/kernels/clahe/lut_opencv.rs.

@group(0) @binding(1) var<uniform> params: LutParams;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> luts: array<u32>;

// Nearest f32: both parts are exact, so that only their sum is rounded.
fn rounded(n: u32) -> f32 {
    return pin(f32(n >> 12u) * 4096.0) + f32(n & 0xfffu);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let levels = params.size.x;
    let across = params.size.y;
    if (group.x >= across || group.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + group.y;
    let slot = (bound_row(0u, row) * across + group.x) * levels;
    let out = (bound_row(1u, row) * across + group.x) * (levels / 2u);
    let owned = max(levels / WORKGROUP_WIDE, 2u);
    let first = min(thread * owned, levels);
    let end = min(first + owned, levels);

    var own = 0u;
    for (var i = first; i < end; i++) {
        own += counts[slot + i];
    }
    scan(thread, own);
    let area = sums[WORKGROUP_WIDE - 1u];
    var limit = params.clip.x;
    if (limit == 0u) {
        limit = max(high_word(area, params.clip.y), 1u);
    }

    var above = 0u;
    for (var i = first; i < end; i++) {
        above += max(counts[slot + i], limit) - limit;
    }
    scan(thread, above);
    let excess = sums[WORKGROUP_WIDE - 1u];
    var run = scan(thread, own - above) - (own - above);

    let bins = params.size.z;
    let batch = excess / bins;
    let rest = excess % bins;
    let stride = max(bins / max(rest, 1u), 1u);
    var scale = bitcast<f32>(params.clip.z);
    if (params.clip.z == 0u) {
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
