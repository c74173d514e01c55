// Two bands weighted by a mask's level.
// Twin and formula: src/kernels/pyramid/blend.rs.

@group(0) @binding(1) var<uniform> params: BlendParams;
@group(0) @binding(2) var<storage, read> first: array<f32>;
@group(0) @binding(3) var<storage, read> second: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let a = first[bound_row(0u, row) * params.size.x + id.x];
    let b = second[bound_row(1u, row) * params.size.x + id.x];
    let m = weights[bound_row(2u, row) * params.size.x + id.x];
    var value = select(b + pin(m * pin(a - b)), a, m >= 1.0);
    if (params.size.y == 1u) {
        value = floor(pin(value) + 0.5);
    }
    results[bound_row(3u, row) * params.size.x + id.x] = value;
}
