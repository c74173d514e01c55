// Points of a frequency grid: sums over the polar samples around them, cell by cell. Twin and formula: src/kernels/fourier/gather.rs.

// Numbers of a row of the table: each tap's weight stands twice.
const ROW = 16u;

// Weight of tap `i` at a place between its rows of the table.
fn weight(i: u32, place: f32) -> f32 {
    let whole = floor(place);
    let at = u32(whole) * ROW + 2u * i;
    let low = weights[at];
    return pin(low + pin((place - whole) * pin(weights[at + ROW] - low)));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let i = row % params.rows;
    let j = centred(id.x, params.columns);
    let first = samples_row(row / params.rows * params.view_count) * params.view_samples;
    let cells = params.columns + params.width - 1u;
    var re = 0.0;
    var im = 0.0;
    for (var cell_row = 0u; cell_row < params.width; cell_row++) {
        var cells_re = 0.0;
        var cells_im = 0.0;
        let begin = (i + cell_row) * cells + j;
        let end = starts[begin + params.width];
        for (var e = starts[begin]; e < end; e++) {
            let entry = entries[e];
            let across = weight(params.width - 1u - cell_row, entry.row_place);
            let along = weight(j + params.width - 1u - entry.cell, entry.column_place);
            let sample = samples[first + entry.sample];
            let product = pin(across * along);
            cells_re += pin(product * sample.x);
            cells_im += pin(product * sample.y);
        }
        re += cells_re;
        im += cells_im;
    }
    // The image is shifted by a quarter of its period.
    var sum = vec2<f32>(re, im);
    switch (i + j) & 3u {
        case 1u: { sum = vec2<f32>(im, -re); }
        case 2u: { sum = vec2<f32>(-re, -im); }
        case 3u: { sum = vec2<f32>(-im, re); }
        default: {}
    }
    let at = grid_row(row) * params.columns + id.x;
    if (tile.resume == 1u) {
        sum = grid[at] + sum;
    }
    grid[at] = sum;
}
