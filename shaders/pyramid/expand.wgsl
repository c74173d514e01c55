// The expanded coarser level, for shaders that bind `params` with the fine size and the rounding, and `coarse` first.
// Twin, weights and border: src/kernels/pyramid/expand.rs.

// Coarse neighbours of coarse place `place` for a fine side of `fine_count`: before and behind.
fn neighbours(place: u32, fine_count: u32) -> vec2<u32> {
    let last = (fine_count + 1u) / 2u - 1u;
    let before = select(place - 1u, min(last, 1u), place == 0u);
    let mirror = select(last, last - min(last, 1u), fine_count % 2u == 1u);
    return vec2<u32>(before, select(place + 1u, mirror, place == last));
}

// Weights 1 6 1.
fn at_even(before: f32, here: f32, behind: f32) -> f32 {
    return pin(6.0 * here) + pin(before + behind);
}

// Weights 4 4.
fn at_odd(here: f32, behind: f32) -> f32 {
    return pin(4.0 * pin(here + behind));
}

// Value of a coarse column at the height of a fine row; `rows` are the beginnings of the coarse rows.
fn column(x: u32, rows: vec3<u32>, is_odd: bool) -> f32 {
    if (is_odd) {
        return at_odd(coarse[rows.y + x], coarse[rows.z + x]);
    }
    return at_even(coarse[rows.x + x], coarse[rows.y + x], coarse[rows.z + x]);
}

// Two pixels of an expanded row from the coarse columns before, at and behind them.
fn along(before: f32, here: f32, behind: f32) -> vec2<f32> {
    // 1/64.
    let even = pin(at_even(before, here, behind) * 0.015625);
    let odd = pin(at_odd(here, behind) * 0.015625);
    if (params.is_whole == 1u) {
        return vec2<f32>(floor(even + 0.5), floor(odd + 0.5));
    }
    return vec2<f32>(even, odd);
}

// Two pixels of the expanded level: columns 2·pair and 2·pair + 1 of a row.
fn expanded(pair: u32, row: u32) -> vec2<f32> {
    let i = row / 2u;
    let near = neighbours(i, params.rows);
    let rows = vec3<u32>(coarse_row(near.x), coarse_row(i), coarse_row(near.y)) * ((params.columns + 1u) / 2u);
    let is_odd = row % 2u == 1u;
    let beside = neighbours(pair, params.columns);
    return along(column(beside.x, rows, is_odd), column(pair, rows, is_odd), column(beside.y, rows, is_odd));
}
