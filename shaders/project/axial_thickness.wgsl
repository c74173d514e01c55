// Path through each material where detector columns are parallel to z: one invocation walks four rays of a detector column, once
// for every four materials.
// Twin, formula and units: src/kernels/project/axial_thickness.rs.

// Sums of four materials along four rays.
alias Sums = array<vec4<f32>, ROWS>;

// What pieces add to sums, of materials whose fractions begin at `four`.
fn add(sums: ptr<function, Sums>, four: u32, lengths: vec4<f32>, at: vec4<u32>) {
    for (var l = 0u; l < ROWS; l++) {
        (*sums)[l] = (*sums)[l] + pin4(lengths[l] * compositions[four + volume[at[l]]]);
    }
}

// Sums materials from `material` on along rows of a view from `row` on, counted over all views, those up to `end` of the first
// four.
fn project(column: u32, row: u32, end: u32, material: u32, begun: Columns) {
    let count = min(params.materials - material, 4u);
    let pitch = params.materials * params.columns;
    let first = thickness_row(row) * pitch + material * params.columns + column;
    var sums = Sums();
    if (tile.resume == 1u) {
        for (var l = 0u; l < min(end - row, ROWS); l++) {
            for (var m = 0u; m < count; m++) {
                sums[l][m] = thickness[first + l * pitch + m * params.columns];
            }
        }
    }
    let four = material / 4u * params.composition_count;
    var rays = begun;
    while (rays.t < rays.stop) {
        let next = column_end(&rays);
        let here = places(&rays);
        add(&sums, four, pieces(&rays, next), here);
        pass_heights(&rays);
        let there = places(&rays);
        add(&sums, four, pieces(&rays, next), there);
        if (any(rays.passes)) {
            pass_heights(&rays);
            continue;
        }
        pass_column(&rays, next);
    }
    let is_finished = rays.is_included && rays.is_last;
    for (var l = 0u; l < min(end - row, ROWS); l++) {
        let factor = select(1.0, rays.factors[l], is_finished);
        for (var m = 0u; m < count; m++) {
            thickness[first + l * pitch + m * params.columns] = sums[l][m] * factor;
        }
    }
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH / ROWS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let column = group.x * WORKGROUP_WIDE + thread / (WORKGROUP_HIGH / ROWS);
    let line = group.y * WORKGROUP_HIGH + thread % (WORKGROUP_HIGH / ROWS) * ROWS;
    if (column >= params.columns) {
        return;
    }
    // Rows that belong to two views are walked in turn.
    let end = tile.first_row + min(line + ROWS, tile.row_count);
    var row = tile.first_row + line;
    while (row < end) {
        let view = row / params.rows;
        let stop = min(end, (view + 1u) * params.rows);
        let begun = columns(view, column, row);
        for (var material = 0u; material < params.materials; material += 4u) {
            project(column, row, stop, material, begun);
        }
        row = stop;
    }
}
