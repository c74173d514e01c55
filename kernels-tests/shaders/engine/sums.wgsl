// Amounts added to the sums that they name; what they name is scattered. Twin: src/engine/sums.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let value = values[values_row(tile.first_row + id.y) * params.columns + id.x];
    let bin = (bitcast<u32>(value) >> 3u) % params.bins;
    counts_add(bin, 4294967295u - (bin & 7u));
    energy_add(bin, u32(value * params.scale + 0.5));
}
