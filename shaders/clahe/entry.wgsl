// Entry of the table of a tile, for shaders that bind `params` and `luts`; `row` is the row of tiles within what is
// bound.
fn entry(row: u32, column: u32, value: u32) -> u32 {
    let word = luts[(row * params.quads.across + column) * (params.quads.levels / 2u) + value / 2u];
    return (word >> (16u * (value % 2u))) & 0xffffu;
}
