// Philox4x32-10: four random words from a counter and a key.
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
