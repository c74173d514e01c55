// Histograms of tiles with few pixels, joined with those around them; one workgroup per tile.
// Twin and formula: src/kernels/clahe/borrow.rs.

// A tile has enough pixels when so many times their number is its size.
const ENOUGH = 16u;

fn length(i: u32, numerator: u32, denominator: u32) -> u32 {
    return (i + 1u) * numerator / denominator - i * numerator / denominator;
}

// Pixels of the tiles `first` to before `end` of a row.
fn pixels(row: u32, first: u32, end: u32) -> u32 {
    let slot = totals_row(row) * params.across;
    return totals[slot + end - 1u] - select(0u, totals[slot + max(first, 1u) - 1u], first > 0u);
}

// Pixels of the tiles at a distance of at most `reach`.
fn pixels_within(column: u32, row: u32, reach: u32) -> u32 {
    let first = max(column, reach) - reach;
    let end = min(column + reach + 1u, params.across);
    var sum = 0u;
    for (var y = max(row, reach) - reach; y < min(row + reach + 1u, params.down); y++) {
        sum += pixels(y, first, end);
    }
    return sum;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let levels = params.levels;
    let across = params.across;
    let down = params.down;
    if (group.x >= across || group.y >= tile.row_count) {
        return;
    }
    let column = group.x;
    let row = tile.first_row + group.y;
    let out = (results_row(row) * across + column) * levels;
    let width = length(column, params.across_numerator, params.across_denominator);
    let area = width * length(row, params.down_numerator, params.down_denominator);
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
            let slot = (counts_row(y) * across + x) * levels;
            for (var i = thread; i < levels; i += WORKGROUP_WIDE) {
                results[out + i] += counts[slot + i];
            }
        }
    }
}
