// Steps from column to column, summed over bands of rows, one invocation per column and band.
// Twin: src/kernels/mask/step_right.rs.

@group(0) @binding(1) var<uniform> params: StepRightParams;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read_write> steps: array<u32>;

fn pixel(first: u32, x: u32) -> i32 {
    return i32((pixels[first + x / 2u] >> (16u * (x & 1u))) & 0xffffu);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns = params.size.x;
    let rows = params.size.y;
    let pair_count = params.size.z;
    let band_count = params.size.w;
    if (id.x >= columns || id.y >= tile.row_count) {
        return;
    }
    let band = tile.first_row + id.y;
    var sum = 0u;
    if (id.x + 1u < columns) {
        let end = (band + 1u) * rows / band_count;
        for (var y = band * rows / band_count; y < end; y++) {
            let first = bound_row(0u, y) * pair_count;
            sum += u32(abs(pixel(first, id.x + 1u) - pixel(first, id.x)));
        }
    }
    steps[bound_row(1u, band) * columns + id.x] = sum;
}
