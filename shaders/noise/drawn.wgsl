// Words of a draw of a pixel; `row` counts over all slices.
// Twin: src/kernels/noise/stream.rs.

fn drawn(column: u32, row: u32, draw: u32) -> vec4<u32> {
    let view = row / params.rows;
    let place = vec3<u32>(params.column, params.row, params.view) + vec3<u32>(column, row - view * params.rows, view);
    return philox(vec4<u32>(place, draw), vec2<u32>(params.key_low, params.key_high));
}
