// Sum over slices and the slices around each, in an order that every result depends on. Twin: src/engine/slab.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let place = sums_row(row) * params.columns + id.x;
    var sum = 0u;
    if (tile.resume == 1u) {
        sum = sums[place];
    }
    let is_down = row % 2u == 1u;
    if ((tile.way & select(1u, 2u, is_down)) != 0u) {
        let end = tile.first_input + tile.input_count;
        for (var i = 0u; i < tile.input_count; i++) {
            let slice = select(tile.first_input + i, end - 1u - i, is_down);
            let first = max(slice, params.reach) - params.reach;
            let last = min(slice + params.reach, params.slices - 1u);
            for (var near = first; near <= last; near++) {
                let value = volume[volume_row(near * params.rows + row % params.rows) * params.columns + id.x];
                sum = sum * 3u + value * (near + 40u - slice);
            }
        }
    }
    sums[place] = sum;
}
