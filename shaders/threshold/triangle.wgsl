// Threshold of a histogram by the triangle method, by one workgroup.
// Twin, formula and conventions: src/kernels/threshold/triangle.rs.

const OPEN_CV = 0u;
const SCIKIT_IMAGE = 1u;

// What each invocation found: first and last counted bin; a value in two words with the place where it was found.
var<workgroup> firsts: array<u32, WORKGROUP_WIDE>;
var<workgroup> lasts: array<u32, WORKGROUP_WIDE>;
var<workgroup> bests: array<vec3<u32>, WORKGROUP_WIDE>;

fn wide_sum(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.y + b.y;
    return vec2<u32>(a.x + b.x + select(0u, 1u, low < a.y), low);
}

// The better of two: the larger value, of equal ones that found first.
fn better(a: vec3<u32>, b: vec3<u32>) -> vec3<u32> {
    let larger = b.x > a.x || (b.x == a.x && b.y > a.y);
    let is_earlier = b.x == a.x && b.y == a.y && b.z < a.z;
    return select(a, b, larger || is_earlier);
}

// Leaves the best of all, and the outermost bins, at place 0.
fn reduce(thread: u32) {
    workgroupBarrier();
    for (var half = WORKGROUP_WIDE / 2u; half > 0u; half /= 2u) {
        if (thread < half) {
            bests[thread] = better(bests[thread], bests[thread + half]);
            firsts[thread] = min(firsts[thread], firsts[thread + half]);
            lasts[thread] = max(lasts[thread], lasts[thread + half]);
        }
        workgroupBarrier();
    }
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if (group.x >= 1u || group.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + group.y;
    let bins = params.bins;
    let end = bins - 1u;
    let source = histogram_row(row) * bins;

    var first = end;
    var last = 0u;
    var best = vec3<u32>(0u, 0u, end);
    for (var i = thread; i < bins; i += WORKGROUP_WIDE) {
        let count = histogram[source + i];
        if (count > 0u) {
            first = min(first, i);
            last = i;
            best = better(best, vec3<u32>(0u, count, i));
        }
    }
    firsts[thread] = first;
    lasts[thread] = last;
    bests[thread] = best;
    reduce(thread);
    first = firsts[0];
    last = lasts[0];
    let height = bests[0].y;
    let peak = bests[0].z;
    workgroupBarrier();

    // 1 where the line ends one bin outside and the threshold is one below the place.
    let shift = select(1u, 0u, params.convention == SCIKIT_IMAGE);
    let lo = max(first, shift) - shift;
    let hi = min(last + shift, end);
    let is_reversed = height > 0u && peak - lo < hi - peak;
    let base = select(lo, end - hi, is_reversed);
    let width = select(peak - lo, hi - peak, is_reversed);

    // Distances are taken from the end of the line, less a·lo and with w·a added: no sign, below 2⁴⁹.
    best = vec3<u32>(0u);
    for (var d = thread; d < width + shift; d += WORKGROUP_WIDE) {
        let count = histogram[source + select(lo + d, hi - d, is_reversed)];
        var distance = wide_sum(product(height, d), product(height - count, width));
        if (d == 0u && params.convention == OPEN_CV) {
            distance = product(height, width - min(base, width));
        }
        best = better(best, vec3<u32>(distance, d));
    }
    // The end of the line, which the first invocation looked at, beats whatever is as good.
    bests[thread] = best;
    reduce(thread);
    if (thread > 0u) {
        return;
    }
    let place = bests[0].z;
    let slot = results_row(row) * 4u;
    if (height == 0u) {
        results[slot] = end;
        results[slot + 1u] = 0u;
        results[slot + 2u] = 0u;
        results[slot + 3u] = 0u;
        return;
    }
    let left = max(lo + place, shift) - shift;
    let right = min(hi + shift - place, end);
    results[slot] = select(left, right, is_reversed);
    results[slot + 1u] = first;
    results[slot + 2u] = last;
    results[slot + 3u] = peak;
}
