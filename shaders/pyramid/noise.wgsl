// Counts the magnitudes of a band's values: one workgroup per strip of rows, one histogram per strip.
// Twin, bins and what is counted: src/kernels/pyramid/noise.rs.

const BINS = 4096u;

var<workgroup> counts: array<atomic<u32>, BINS>;

fn is_counted(x: u32, y: u32) -> bool {
    if (params.mask_words == 0u) {
        return true;
    }
    let column = x << params.level;
    let word = mask[mask_row(y << params.level) * params.mask_words + column / 32u];
    return ((word >> (column % 32u)) & 1u) == 1u;
}

@compute @workgroup_size(WORKGROUP_WIDE, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    for (var bin = thread; bin < BINS; bin += WORKGROUP_WIDE) {
        atomicStore(&counts[bin], 0u);
    }
    workgroupBarrier();
    let strip = tile.first_row + group.y;
    let first = strip * params.strip;
    let end = min(first + params.strip, params.rows);
    for (var y = first; y < end; y += params.stride) {
        let row = band_row(y) * params.columns;
        for (var x = thread; x < params.columns; x += WORKGROUP_WIDE) {
            let size = abs(band[row + x]);
            if (size > 0.0 && is_counted(x, y)) {
                atomicAdd(&counts[u32(min(size * params.scale, f32(BINS - 1u)))], 1u);
            }
        }
    }
    workgroupBarrier();
    let target_row = results_row(strip) * BINS;
    for (var bin = thread; bin < BINS; bin += WORKGROUP_WIDE) {
        results[target_row + bin] = atomicLoad(&counts[bin]);
    }
}
