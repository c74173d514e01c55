// Counts the magnitudes of a band's values: one workgroup per strip of rows, one histogram per strip.
// Twin, bins and what is counted: src/kernels/pyramid/noise.rs.

@group(0) @binding(1) var<uniform> params: NoiseParams;
@group(0) @binding(2) var<storage, read> band: array<f32>;
@group(0) @binding(3) var<storage, read> mask: array<u32>;
@group(0) @binding(4) var<storage, read_write> results: array<u32>;

const BINS = 4096u;

var<workgroup> counts: array<atomic<u32>, BINS>;

fn is_counted(x: u32, y: u32) -> bool {
    if (params.mask.x == 0u) {
        return true;
    }
    let column = x << params.mask.z;
    let word = mask[bound_row(1u, y << params.mask.z) * params.mask.y + column / 32u];
    return ((word >> (column % 32u)) & 1u) == 1u;
}

@compute @workgroup_size(WORKGROUP_WIDE, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    for (var bin = thread; bin < BINS; bin += WORKGROUP_WIDE) {
        atomicStore(&counts[bin], 0u);
    }
    workgroupBarrier();
    let strip = tile.first_row + group.y;
    let first = strip * params.size.z;
    let end = min(first + params.size.z, params.size.y);
    for (var y = first; y < end; y += params.size.w) {
        let row = bound_row(0u, y) * params.size.x;
        for (var x = thread; x < params.size.x; x += WORKGROUP_WIDE) {
            let size = abs(band[row + x]);
            if (size > 0.0 && is_counted(x, y)) {
                atomicAdd(&counts[u32(min(size * params.scale.x, f32(BINS - 1u)))], 1u);
            }
        }
    }
    workgroupBarrier();
    let target_row = bound_row(2u, strip) * BINS;
    for (var bin = thread; bin < BINS; bin += WORKGROUP_WIDE) {
        results[target_row + bin] = atomicLoad(&counts[bin]);
    }
}
