// Weighted sum of the rows of two windows, one invocation per number. Twin: window.rs beside it.

@group(0) @binding(1) var<uniform> params: WindowParams;
@group(0) @binding(2) var<storage, read> one: array<u32>;
@group(0) @binding(3) var<storage, read> other: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<u32>;

fn corresponding(row: u32, window: vec4<i32>) -> i32 {
    return i32(row * u32(window.x) / u32(window.y));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.size.x;
    if (id.x >= columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    var sum = 0u;
    let near = corresponding(row, params.near);
    for (var offset = params.near.z; offset <= params.near.w; offset++) {
        let taken = u32(clamp(near + offset, 0, i32(params.size.y) - 1));
        sum = sum * 3u + one[bound_row(0u, taken) * columns + id.x];
    }
    let far = corresponding(row, params.far);
    for (var offset = params.far.z; offset <= params.far.w; offset++) {
        let taken = u32(clamp(far + offset, 0, i32(params.size.z) - 1));
        sum = sum * 5u + other[bound_row(1u, taken) * columns + id.x];
    }
    sums[bound_row(2u, row) * columns + id.x] = sum;
}
