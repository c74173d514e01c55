//! Pixels above a threshold. Tier E.
//!
//! ```text
//! mask[y][x] = pixels[y][x] > t
//! ```
//! where t is the first word of the threshold buffer; the threshold kernels write it, or the host uploads it.
//!
//! Shapes: mask `[row][word]` ← pixels `[row][pair]`, threshold `[word]`.

use crate::kernels::prelude::*;

kernel! {
    /// Pixels above a threshold: words per row of the pixels and of the mask.
    struct Above { pairs, words: u32 }
    shader mask/above, Exact, [32, 4];
    reads pixels[_, pairs]: rows of [u16; 2], threshold: whole of u32;
    writes mask[_, words]: u32;
    operations 128.0;
}

/// Records the mask of the pixels whose value is greater than the first word of `threshold`.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, threshold: Buffer<u32>) -> Mask {
    let mask = Mask::new(graph, "mask.above", pixels.size);
    let ([.., pairs], [.., words]) = (pixels.shape(), mask.shape());
    Above { pairs, words }.compute(graph, "above", pixels, threshold, mask)
}

fn twin(kernel: &Above, _: &Block, pixels: &[[u16; 2]], threshold: &[u32], mask: &mut [u32]) {
    let [pairs, words] = [kernel.pairs, kernel.words].map(|n| n as usize);
    match u16::try_from(threshold[0]) {
        Ok(threshold) => compared(pixels.as_flattened(), 2 * pairs, threshold, words, mask),
        // Nothing of 16 bits is above it.
        Err(_) => mask.fill(0),
    }
}

vectorised! {
    fn compared(pixels: &[u16], stride: usize, threshold: u16, words: usize, mask: &mut [u32]) {
        for (pixels, mask) in pixels.chunks_exact(stride).zip(mask.chunks_exact_mut(words)) {
            let (whole, rest) = pixels.as_chunks::<WORD_PIXELS>();
            for (chunk, word) in whole.iter().zip(&mut *mask) {
                *word = packed(chunk, threshold);
            }
            if !rest.is_empty() {
                let mut chunk = [0; WORD_PIXELS];
                chunk[..rest.len()].copy_from_slice(rest);
                mask[words - 1] = packed(&chunk, threshold);
            }
        }
    }
}

/// One bit per pixel. Comparisons give bytes of 0 or 1, eight of which one multiplication gathers: byte i is moved by
/// 56 − 7i bits to bit 56 + i, and no two products meet.
#[inline(always)]
fn packed(chunk: &[u16; WORD_PIXELS], threshold: u16) -> u32 {
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut bytes = [0_u8; WORD_PIXELS];
    for (byte, &pixel) in bytes.iter_mut().zip(chunk) {
        *byte = u8::from(pixel > threshold);
    }
    let mut word = 0;
    for (index, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
        word |= (gathered as u32) << (8 * index);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_its_pixel() {
        for bit in 0..WORD_PIXELS {
            let mut chunk = [7; WORD_PIXELS];
            chunk[bit] = 8;
            assert_eq!(packed(&chunk, 7), 1 << bit);
            assert_eq!(packed(&chunk, 8), 0);
        }
        assert_eq!(packed(&[u16::MAX; WORD_PIXELS], 0), u32::MAX);
    }
}
