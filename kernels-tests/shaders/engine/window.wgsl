// Weighted sum of the rows of two windows, one invocation per number. Twin: src/engine/window.rs.

fn corresponding(row: u32, reach: Reach) -> i32 {
    return i32(row * u32(reach.numerator) / u32(reach.denominator));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.columns;
    if (id.x >= columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    var sum = 0u;
    let near = corresponding(row, params.near);
    for (var offset = params.near.first; offset <= params.near.last; offset++) {
        let taken = u32(clamp(near + offset, 0, i32(params.near_rows) - 1));
        sum = sum * 3u + one[one_row(taken) * columns + id.x];
    }
    let far = corresponding(row, params.far);
    for (var offset = params.far.first; offset <= params.far.last; offset++) {
        let taken = u32(clamp(far + offset, 0, i32(params.far_rows) - 1));
        sum = sum * 5u + other[other_row(taken) * columns + id.x];
    }
    sums[sums_row(row) * columns + id.x] = sum;
}
