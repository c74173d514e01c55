// Order of frequencies on a grid. Shared by shaders that reach it.

// The lower 16 bits turned over: not all languages that shaders are translated to can.
fn turned_over(p: u32) -> u32 {
    let pairs_of_bits = ((p & 0x5555u) << 1u) | ((p >> 1u) & 0x5555u);
    let fours = ((pairs_of_bits & 0x3333u) << 2u) | ((pairs_of_bits >> 2u) & 0x3333u);
    let bytes = ((fours & 0x0f0fu) << 4u) | ((fours >> 4u) & 0x0f0fu);
    return ((bytes & 0x00ffu) << 8u) | (bytes >> 8u);
}

// Number of the frequency whose place, in bit-reversed order, is `p`; zero frequency is in the middle.
fn centred(p: u32, length: u32) -> u32 {
    let frequency = turned_over(p) >> (countLeadingZeros(length) - 15u);
    return (frequency + length / 2u) & (length - 1u);
}
