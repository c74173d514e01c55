// Expanded coarser level plus the band through its curve: two neighbouring pixels per invocation.
// Twin, formulas and border: src/kernels/pyramid/collapse.rs, curve.rs and expand.rs.

const THREADS = WORKGROUP_WIDE / 2u;

@compute @workgroup_size(THREADS, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let x = 2u * id.x;
    if (x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let level = expanded(id.x, row);
    let source = band_row(row) * params.columns + x;
    let target_place = results_row(row) * params.columns + x;
    results[target_place] = level.x + curved(band[source]);
    if (x + 1u < params.columns) {
        results[target_place + 1u] = level.y + curved(band[source + 1u]);
    }
}
