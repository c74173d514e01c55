// Line integrals from raw counts.
// Twin and formula: src/kernels/detector/correct.rs.

// Transmission by a pixel of the view whose rows begin with `first`; nothing of a bad one.
fn transmission(x: u32, y: u32, first: u32) -> f32 {
    let count = raw[raw_row(first + y) * params.columns + x] - dark[dark_row(y) * params.columns + x];
    return pin(count * factors[factors_row(y) * params.columns + x]);
}

// Mean of the good pixels around a bad one.
fn replaced(x: u32, y: u32, first: u32) -> f32 {
    for (var reach = 1u; reach <= params.reach; reach++) {
        var sum = 0.0;
        var count = 0.0;
        for (var j = max(y, reach) - reach; j <= min(y + reach, params.rows - 1u); j++) {
            for (var i = max(x, reach) - reach; i <= min(x + reach, params.columns - 1u); i++) {
                if (factors[factors_row(j) * params.columns + i] != 0.0) {
                    sum = sum + transmission(i, j, first);
                    count = count + 1.0;
                }
            }
        }
        if (count > 0.0) {
            return pin(sum) * reciprocal(count);
        }
    }
    return 1.0;
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = row / params.rows * params.rows;
    let y = row - first;
    var t = transmission(id.x, y, first);
    if (factors[factors_row(y) * params.columns + id.x] == 0.0) {
        t = replaced(id.x, y, first);
    }
    results[results_row(row) * params.columns + id.x] = -natural_log(max(t, params.floor));
}
