// Dilation or erosion along columns, one invocation per word.
// Twin: src/kernels/mask/down.rs.

@group(0) @binding(1) var<uniform> params: DownParams;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> spread: array<u32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word_count = params.size.x;
    let radius = params.size.z;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = row - min(row, radius);
    let last = min(row + radius, params.size.y - 1u);
    // Erosion is dilation of the complement; complemented words go in and come out.
    var bits = 0u;
    for (var y = first; y <= last; y++) {
        bits |= mask[bound_row(0u, y) * word_count + id.x] ^ params.size.w;
    }
    spread[bound_row(1u, row) * word_count + id.x] = bits ^ params.size.w;
}
