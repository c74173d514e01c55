// Histograms of tiles with few pixels, joined with those around them; one workgroup per tile.
// Twin and formula: src/kernels/clahe/borrow.rs.

@group(0) @binding(1) var<uniform> params: BorrowParams;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

// A tile has enough pixels when so many times their number is its size.
const ENOUGH = 16u;

var<workgroup> parts: array<u32, WORKGROUP_WIDE>;

fn length(i: u32, numerator: u32, denominator: u32) -> u32 {
    return (i + 1u) * numerator / denominator - i * numerator / denominator;
}

fn distance_to(a: u32, b: u32) -> u32 {
    return max(a, b) - min(a, b);
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
    let out = (bound_row(1u, row) * across + column) * levels;
    let area = length(column, params.bounds.x, params.bounds.y) * length(row, params.bounds.z, params.bounds.w);
    let wanted = (area + ENOUGH - 1u) / ENOUGH;
    // Every invocation owns the bins `thread`, `thread + 256`, …
    for (var i = thread; i < levels; i += WORKGROUP_WIDE) {
        results[out + i] = 0u;
    }
    var total = 0u;
    // The number of rounds is the same for all, so that all meet at the barriers; rounds without need do nothing.
    for (var reach = 0u; reach < max(across, down); reach++) {
        var own = 0u;
        if (total < wanted) {
            for (var y = max(row, reach) - reach; y < min(row + reach + 1u, down); y++) {
                for (var x = max(column, reach) - reach; x < min(column + reach + 1u, across); x++) {
                    if (max(distance_to(x, column), distance_to(y, row)) != reach) {
                        continue;
                    }
                    let slot = (bound_row(0u, y) * across + x) * levels;
                    for (var i = thread; i < levels; i += WORKGROUP_WIDE) {
                        let count = counts[slot + i];
                        own += count;
                        results[out + i] += count;
                    }
                }
            }
        }
        workgroupBarrier();
        parts[thread] = own;
        workgroupBarrier();
        for (var i = 0u; i < WORKGROUP_WIDE; i++) {
            total += parts[i];
        }
    }
}
