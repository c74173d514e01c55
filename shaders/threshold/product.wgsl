// Product of two words as two words, for shaders that compare such products.

// a·b as high and low word.
fn product(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let cross = (a >> 16u) * (b & 0xffffu);
    // Cannot overflow: (2¹⁶ − 1)² + 2·(2¹⁶ − 1) < 2³².
    let middle = (a & 0xffffu) * (b >> 16u) + (low >> 16u) + (cross & 0xffffu);
    return vec2<u32>((a >> 16u) * (b >> 16u) + (cross >> 16u) + (middle >> 16u), (middle << 16u) | (low & 0xffffu));
}
