// Philox4x32-10: four random words from a counter and a key; where a pixel's counter stands.
// Twin, source and known answers: src/kernels/noise/philox.rs.

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var c = counter;
    var k = key;
    for (var i = 0u; i < 10u; i++) {
        let first = high_word(c.x, 0xd2511f53u);
        let second = high_word(c.z, 0xcd9e8d57u);
        c = vec4<u32>(second ^ c.y ^ k.x, c.z * 0xcd9e8d57u, first ^ c.w ^ k.y, c.x * 0xd2511f53u);
        k = k + vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
}

// Words of a draw of a pixel; `row` counts over all slices.
fn drawn(column: u32, row: u32, draw: u32) -> vec4<u32> {
    let view = row / params.rows;
    let place = vec3<u32>(params.column, params.row, params.view) + vec3<u32>(column, row - view * params.rows, view);
    return philox(vec4<u32>(place, draw), vec2<u32>(params.key_low, params.key_high));
}
