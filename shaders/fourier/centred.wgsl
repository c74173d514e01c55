// Order of frequencies on a grid. Shared by shaders that reach it.

// Number of the frequency whose place, in bit-reversed order, is `p`; zero frequency is in the middle.
fn centred(p: u32, length: u32) -> u32 {
    let frequency = reverseBits(p) >> (countLeadingZeros(length) + 1u);
    return (frequency + length / 2u) & (length - 1u);
}
