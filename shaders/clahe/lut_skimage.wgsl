// Tables of tiles from their histograms, as scikit-image; one workgroup per tile, a bin per invocation.
// Twin and formulas: src/kernels/clahe/lut_skimage.rs.

const TOP = 16383u;
const LEVELS = 16384u;
const BIN_WIDTH = 65u;
const BINS = 256u;

var<workgroup> bins: array<i32, BINS>;

// ⌊16383·sum/area⌋, at most 16383, less one at the places where double precision falls short. 16383 = 2^14 − 1 is
// taken bit by bit; sum ≤ area < 2^30, so that nothing overflows.
fn mapped(sum: u32, area: u32) -> u32 {
    var value = 0u;
    var rest = 0u;
    for (var i = 0u; i < 14u; i++) {
        let next = 2u * rest + sum;
        value = 2u * value + next / area;
        rest = next % area;
    }
    let divisor = params.divisor;
    if (divisor > 0u && rest == 0u && sum <= area) {
        let place = sum / (area / divisor);
        return value - ((places[place / 32u] >> (place % 32u)) & 1u);
    }
    return min(value, TOP);
}

// Clips the bins and fills them up with what is above the limit, in the order of scikit-image.
fn fill(limit: i32, above: i32) {
    var excess = above;
    let increment = excess / i32(BINS);
    let upper = limit - increment;
    for (var i = 0u; i < BINS; i++) {
        var bin = min(bins[i], limit);
        if (bin < upper) {
            bin += increment;
            excess -= increment;
        }
        if (bin >= upper && bin < limit) {
            excess -= limit - bin;
            bin = limit;
        }
        bins[i] = bin;
    }
    var start = 0u;
    while (excess > 0) {
        var below = 0;
        for (var i = 0u; i < BINS; i++) {
            below += select(0, 1, bins[i] < limit);
        }
        if (below == 0) {
            break;
        }
        let step = u32(max(below / excess, 1));
        for (var i = start; i < BINS; i += step) {
            if (bins[i] < limit) {
                bins[i] += 1;
                excess -= 1;
            }
        }
        start = (start + 1u) % BINS;
    }
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let across = params.across;
    if (group.x >= across || group.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + group.y;
    let slot = (counts_row(row) * across + group.x) * LEVELS;
    let out = (luts_row(row) * across + group.x) * (LEVELS / 2u);
    var own = 0u;
    for (var v = thread * BIN_WIDTH; v < min((thread + 1u) * BIN_WIDTH, LEVELS); v++) {
        own += counts[slot + v];
    }
    bins[thread] = i32(own);
    workgroupBarrier();
    var area = 0u;
    for (var i = 0u; i < BINS; i++) {
        area += u32(bins[i]);
    }
    workgroupBarrier();
    if (thread == 0u && area > 0u) {
        var limit = params.limit;
        if (limit == 0u) {
            limit = max(high_word(area, params.share), 1u);
        }
        limit = min(limit, area);
        var excess = 0;
        for (var i = 0u; i < BINS; i++) {
            excess += max(bins[i] - i32(limit), 0);
        }
        fill(i32(limit), excess);
        // From here on the bins hold the table.
        var sum = 0u;
        for (var i = 0u; i < BINS; i++) {
            sum += u32(bins[i]);
            bins[i] = i32(mapped(sum, area));
        }
    }
    workgroupBarrier();
    for (var w = thread; w < LEVELS / 2u; w += WORKGROUP_WIDE) {
        var pair = vec2<u32>(2u * w, 2u * w + 1u);
        if (area > 0u) {
            pair = vec2<u32>(u32(bins[pair.x / BIN_WIDTH]), u32(bins[pair.y / BIN_WIDTH]));
        }
        luts[out + w] = pair.x | (pair.y << 16u);
    }
}
