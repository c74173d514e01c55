//! Pixels above a threshold. Tier E.
//!
//! ```text
//! mask[y][x] = pixels[y][x] > t
//! ```
//! where t is the first word of the threshold buffer; the threshold kernels write it, or the host uploads it.
//!
//! Shapes: mask `[row][word]` ← pixels `[row][pair]`, threshold `[word]`.

use crate::{
    engine::{Block, Buffer, Domain, Graph, Kernel, Shader, StructText, Tier},
    kernels::{Mask, Pixels, vectorised::vectorised},
    shader_struct,
};

use super::bits::WORD_PIXELS;

shader_struct! {
    /// Parameters of the comparison.
    pub struct AboveParams {
        /// Words per row of the pixels and of the mask; two spare numbers.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.above",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/above.wgsl"),
    structs: &[StructText::of::<AboveParams>()],
    reads: 2,
    writes: 1,
    workgroup: [32, 4],
};

/// Records the mask of the pixels whose value is greater than the first word of `threshold`.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, threshold: Buffer<u32>) -> Mask {
    let mask = Mask::new(graph, "mask.above", pixels.size);
    let params = AboveParams { size: [Pixels::row_words(pixels.size), Mask::row_words(pixels.size), 0, 0] };
    let reads = [pixels.buffer.rows(), threshold.whole()];
    graph.compute("above", Above { params, size: pixels.size }, reads, [mask.buffer.replace()]);
    mask
}

struct Above {
    params: AboveParams,
    size: [u32; 2],
}

impl Kernel for Above {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(Mask::extent(self.size), 4.0 * f64::from(self.size[0]))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [pairs, words, ..] = self.params.size;
        vec![[self.size[1], pairs], [0, 0], [self.size[1], words]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [pairs, words, ..] = self.params.size.map(|n| n as usize);
        let pixels: &[u16] = bytemuck::cast_slice(&reads[0][block.rows.start * pairs..block.rows.end * pairs]);
        match u16::try_from(reads[1][0]) {
            Ok(threshold) => twin(pixels, 2 * pairs, threshold, words, writes[0]),
            // Nothing of 16 bits is above it.
            Err(_) => writes[0].fill(0),
        }
    }
}

vectorised! {
    fn twin(pixels: &[u16], stride: usize, threshold: u16, words: usize, mask: &mut [u32]) {
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
