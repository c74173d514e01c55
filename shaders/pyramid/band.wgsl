// What a level holds beyond the expanded coarser one: two neighbouring pixels per invocation, columns before rows.
// Twin, weights and border: src/kernels/pyramid/band.rs and expand.rs.

const THREADS = WORKGROUP_WIDE / 2u;

@compute @workgroup_size(THREADS, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let x = 2u * id.x;
    if (x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let level = expanded(id.x, row);
    let source = fine_row(row) * params.columns + x;
    let target_place = results_row(row) * params.columns + x;
    results[target_place] = fine[source] - level.x;
    if (x + 1u < params.columns) {
        results[target_place + 1u] = fine[source + 1u] - level.y;
    }
}
