// Histograms of tiles with few pixels, joined with those around them; one workgroup per tile.
// Twin and formula: src/kernels/clahe/borrow.rs.

@group(0) @binding(1) var<uniform> params: BorrowParams;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> totals: array<u32>;
@group(0) @binding(4) var<storage, read_write> results: array<u32>;

// A tile has enough pixels when so many times their number is its size.
const ENOUGH = 16u;

fn length(i: u32, numerator: u32, denominator: u32) -> u32 {
    return (i + 1u) * numerator / denominator - i * numerator / denominator;
}

// Pixels of the tiles `first` to before `end` of a row.
fn pixels(row: u32, first: u32, end: u32) -> u32 {
    let slot = bound_row(1u, row) * params.size.y;
    return totals[slot + end - 1u] - select(0u, totals[slot + max(first, 1u) - 1u], first > 0u);
}

// Pixels of the tiles at a distance of at most `reach`.
fn pixels_within(column: u32, row: u32, reach: u32) -> u32 {
    let first = max(column, reach) - reach;
    let end = min(column + reach + 1u, params.size.y);
    var sum = 0u;
    for (var y = max(row, reach) - reach; y < min(row + reach + 1u, params.size.z); y++) {
        sum += pixels(y, first, end);
    }
    return sum;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let levels = params.size.x;
    let across = params.size.y;
    let down = params.size.z;
    if (group.x >= across || group.y >= tile.row_count) {
        return;
    }
    let column = group.x;
    let row = tile.first_row + group.y;
    let out = (bound_row(2u, row) * across + column) * levels;
    let area = length(column, params.bounds.x, params.bounds.y) * length(row, params.bounds.z, params.bounds.w);
    let wanted = (area + ENOUGH - 1u) / ENOUGH;
    // The smallest reach with enough pixels, which grow with it; or else the largest there is.
    var reach = 0u;
    var largest = max(across, down) - 1u;
    while (reach < largest) {
        let middle = (reach + largest) / 2u;
        if (pixels_within(column, row, middle) >= wanted) {
            largest = middle;
        } else {
            reach = middle + 1u;
        }
    }
    // Every invocation owns the bins `thread`, `thread + 256`, …
    for (var i = thread; i < levels; i += WORKGROUP_WIDE) {
        results[out + i] = 0u;
    }
    let first = max(column, reach) - reach;
    let end = min(column + reach + 1u, across);
    for (var y = max(row, reach) - reach; y < min(row + reach + 1u, down); y++) {
        if (pixels(y, first, end) == 0u) {
            continue;
        }
        for (var x = first; x < end; x++) {
            if (pixels(y, x, x + 1u) == 0u) {
                continue;
            }
            let slot = (bound_row(0u, y) * across + x) * levels;
            for (var i = thread; i < levels; i += WORKGROUP_WIDE) {
                results[out + i] += counts[slot + i];
            }
        }
    }
}
