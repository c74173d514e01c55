// Signal of a beam of several energies behind materials.
// Twin, formula and units: src/kernels/beam/signal.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = thickness_row(row) * params.columns * params.materials + id.x;
    var sum = 0.0;
    for (var k = 0u; k < params.node_count; k++) {
        let node = k * (params.materials + 1u);
        var depth = 0.0;
        for (var m = 0u; m < params.materials; m++) {
            depth = pin(depth + pin(nodes[node + 1u + m] * thickness[first + m * params.columns]));
        }
        sum = sum + pin(nodes[node] * natural_exp(-min(depth, params.deepest)));
    }
    signal[signal_row(row) * params.columns + id.x] = sum;
}
