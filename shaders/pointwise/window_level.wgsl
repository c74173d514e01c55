// Values to grey levels.
// Twin, formula and units: src/kernels/pointwise/window_level.rs.

@group(0) @binding(1) var<uniform> params: PointwiseParams;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let value = values[bound_row(0u, row) * params.size.x + id.x];
    let share = pin((value - params.constants.x) * params.constants.y);
    let grey = floor(pin(min(max(share, 0.0), 1.0) * params.constants.z) + 0.5);
    results[bound_row(1u, row) * params.size.x + id.x] = u32(grey);
}
