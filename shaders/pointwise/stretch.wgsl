// Table that stretches the values between two ranks, one invocation per word of two entries.
// Twin and formula: src/kernels/pointwise/stretch.rs.

@group(0) @binding(1) var<uniform> params: PointwiseParams;
@group(0) @binding(2) var<storage, read> ranks: array<u32>;
@group(0) @binding(3) var<storage, read_write> entries: array<u32>;

fn stretched(x: u32) -> u32 {
    var low = ranks[0];
    var high = ranks[1];
    if (low == high && params.size.w == 0u) {
        low = 0u;
        high = params.size.z;
    }
    if (x < low) {
        return 0u;
    }
    if (x >= high) {
        return params.size.y;
    }
    return ((x - low) * params.size.y + (high - low) / 2u) / (high - low);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let first = bound_row(1u, tile.first_row + id.y) * params.size.x;
    entries[first + id.x] = stretched(2u * id.x) | (stretched(2u * id.x + 1u) << 16u);
}
