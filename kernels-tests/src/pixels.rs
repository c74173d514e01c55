//! Seeded images of whole numbers and masks, packed as kernels keep them.

use kerma::{
    engine::Graph,
    kernels::{Mask, Pixels},
};

use crate::Seeded;

/// Packed pixels on the host.
pub(crate) struct HostPixels {
    size: [u32; 2],
    bits: u8,
    words: Vec<[u16; 2]>,
}

impl HostPixels {
    /// Pixels from their values by column and row.
    pub(crate) fn new(size: [u32; 2], bits: u8, mut value: impl FnMut(u32, u32) -> u16) -> Self {
        let [columns, rows] = size;
        let mut words = Vec::new();
        for y in 0..rows {
            for word in 0..columns.div_ceil(2) {
                let mut pixel = |x: u32| if x < columns { value(x, y) } else { 0 };
                words.push([pixel(2 * word), pixel(2 * word + 1)]);
            }
        }
        Self { size, bits, words }
    }

    /// Noise over all grey levels, with runs of equal pixels and both extremes.
    pub(crate) fn noise(size: [u32; 2], bits: u8) -> Self {
        let mut seeded = Seeded::new(u64::from(size[0]) << 32 | u64::from(size[1]) << 8 | u64::from(bits));
        let top = f64::from((1_u32 << bits) - 1);
        let mut last = 0;
        Self::new(size, bits, |_, _| {
            let kind = seeded.between(0.0, 1.0);
            last = match kind {
                k if k < 0.3 => last,
                k if k < 0.35 => top as u16,
                k if k < 0.4 => 0,
                _ => seeded.between(0.0, top + 1.0) as u16,
            };
            last
        })
    }

    /// Records the upload.
    pub(crate) fn record<'a>(&'a self, graph: &mut Graph<'a>) -> Pixels {
        let buffer = graph.upload("case.pixels", Pixels::extent(self.size), &self.words);
        Pixels::of(graph, buffer, self.size, self.bits)
    }
}

/// Mask on the host.
pub(crate) struct HostMask {
    size: [u32; 2],
    words: Vec<u32>,
}

impl HostMask {
    /// Mask from a rule by column and row.
    pub(crate) fn new([columns, rows]: [u32; 2], mut rule: impl FnMut(u32, u32) -> bool) -> Self {
        let mut words = Vec::new();
        for y in 0..rows {
            for word in 0..columns.div_ceil(32) {
                let first = 32 * word;
                let bits = (0..32.min(columns - first)).map(|bit| u32::from(rule(first + bit, y)) << bit);
                words.push(bits.fold(0, |a, b| a | b));
            }
        }
        Self { size: [columns, rows], words }
    }

    /// Words of all, none and some pixels.
    pub(crate) fn patches(size: [u32; 2]) -> Self {
        let mut seeded = Seeded::new(u64::from(size[0] * size[1]));
        Self::new(size, |x, y| match (x / 32 + y / 3) % 3 {
            0 => true,
            1 => false,
            _ => seeded.between(0.0, 1.0) < 0.6,
        })
    }

    /// Records the upload.
    pub(crate) fn record<'a>(&'a self, graph: &mut Graph<'a>) -> Mask {
        let buffer = graph.upload("case.mask", Mask::extent(self.size), &self.words);
        Mask { buffer, size: self.size }
    }
}
