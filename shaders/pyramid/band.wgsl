// What a level holds beyond the expanded coarser one: two neighbouring pixels per invocation, columns before rows.
// Twin, weights and border: src/kernels/pyramid/band.rs and expand.rs.

@group(0) @binding(1) var<uniform> params: BandParams;
@group(0) @binding(2) var<storage, read> coarse: array<f32>;
@group(0) @binding(3) var<storage, read> fine: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;

const THREADS = WORKGROUP_WIDE / 2u;

@compute @workgroup_size(THREADS, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let x = 2u * id.x;
    if (x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let level = expanded(id.x, row);
    let source = bound_row(1u, row) * params.size.x + x;
    let target_place = bound_row(2u, row) * params.size.x + x;
    results[target_place] = fine[source] - level.x;
    if (x + 1u < params.size.x) {
        results[target_place + 1u] = fine[source + 1u] - level.y;
    }
}
