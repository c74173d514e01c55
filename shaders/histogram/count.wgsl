// Histograms of tiles, one workgroup per tile.
// Twin and design: src/kernels/histogram/count.rs.

const SHARED_BINS = 4096u;

var<workgroup> shared_bins: array<atomic<u32>, SHARED_BINS>;

// Where the counters of an invocation stand: `place·stride + first`, in workgroup memory or in the results.
struct Bins {
    is_shared: bool,
    first: u32,
    stride: u32,
}

fn add(bins: Bins, value: u32, amount: u32) {
    let place = bins.first + (value & (params.levels - 1u)) * bins.stride;
    if (bins.is_shared) {
        atomicAdd(&shared_bins[place], amount);
    } else {
        atomicAdd(&results[place], amount);
    }
}

fn boundary(cuts: Cuts, index: u32) -> i32 {
    return cuts.offset + i32(index * cuts.numerator / cuts.denominator);
}

// Pixel for which a virtual one stands: mirrored without repeating the edge.
fn mirrored(pixel: i32, length: u32) -> u32 {
    if (length <= 1u) {
        return 0u;
    }
    let period = 2u * (length - 1u);
    let within = u32(abs(pixel)) % period;
    return min(within, period - within);
}

// 1 where pixel `x` of a row counts.
fn included(row: u32, x: u32) -> u32 {
    if (params.mask_words == 0u) {
        return 1u;
    }
    return (mask[row * params.mask_words + x / 32u] >> (x % 32u)) & 1u;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if (group.x >= params.across.count || group.y >= tile.row_count) {
        return;
    }
    let levels = params.levels;
    let row = tile.first_row + group.y;
    let slot = (results_row(row) * params.across.count + group.x) * levels;

    // As many copies of the counters as fit, neighbouring invocations in different ones.
    let copies = max(SHARED_BINS / levels, 1u);
    var bins = Bins(levels <= SHARED_BINS, thread & (copies - 1u), copies);
    if (bins.is_shared) {
        for (var i = thread; i < SHARED_BINS; i += WORKGROUP_WIDE) {
            atomicStore(&shared_bins[i], 0u);
        }
    } else {
        bins = Bins(false, slot, 1u);
        for (var i = thread; i < levels; i += WORKGROUP_WIDE) {
            atomicStore(&results[slot + i], 0u);
        }
    }
    workgroupBarrier();
    storageBarrier();

    let end = i32(params.columns);
    let x0 = boundary(params.across, group.x);
    let x1 = boundary(params.across, group.x + 1u);
    let y0 = boundary(params.down, row);
    let y1 = boundary(params.down, row + 1u);
    let first = u32(clamp(x0, 0, end));
    let last = u32(clamp(x1, 0, end));
    let first_word = first / 2u;
    let last_word = (last + 1u) / 2u;
    let before = u32(min(x1, 0) - min(x0, 0));
    let beyond = u32(max(x1, end) - max(x0, end));

    // Invocations stand in rows as wide as the tile, or as the workgroup.
    var wide = 1u;
    while (wide < last_word - first_word && wide < WORKGROUP_WIDE) {
        wide *= 2u;
    }
    let column = thread & (wide - 1u);
    for (var y = y0 + i32(thread / wide); y < y1; y += i32(WORKGROUP_WIDE / wide)) {
        let image_row = mirrored(y, params.rows);
        let words = pixels_row(image_row) * params.words;
        var mask_at = 0u;
        if (params.mask_words != 0u) {
            mask_at = mask_row(image_row);
        }
        for (var w = first_word + column; w < last_word; w += wide) {
            let word = pixels[words + w];
            let x = 2u * w;
            let low = select(0u, included(mask_at, x), x >= first);
            let high = select(0u, included(mask_at, x + 1u), x + 1u < last);
            if (low + high == 2u && (word & 0xffffu) == word >> 16u) {
                add(bins, word & 0xffffu, 2u);
            } else {
                if (low == 1u) {
                    add(bins, word & 0xffffu, 1u);
                }
                if (high == 1u) {
                    add(bins, word >> 16u, 1u);
                }
            }
        }
        for (var k = column; k < before + beyond; k += wide) {
            let outside = select(max(x0, end) + i32(k - before), x0 + i32(k), k < before);
            let x = mirrored(outside, params.columns);
            if (included(mask_at, x) == 1u) {
                add(bins, (pixels[words + x / 2u] >> (16u * (x % 2u))) & 0xffffu, 1u);
            }
        }
    }
    workgroupBarrier();

    if (bins.is_shared) {
        for (var i = thread; i < levels; i += WORKGROUP_WIDE) {
            var sum = 0u;
            for (var c = 0u; c < copies; c++) {
                sum += atomicLoad(&shared_bins[i * copies + c]);
            }
            atomicStore(&results[slot + i], sum);
        }
    }
}
