//! Cases of histograms: depths, tiles that do and do not divide the image, tiles that reach beyond it, masks.

mod count;
mod merge;

use kerma::{
    engine::Graph,
    kernels::histogram::{self, Axis, Tiles},
};

use crate::{
    Case,
    pixels::{HostMask, HostPixels},
};

pub(crate) fn cases() -> Vec<Case> {
    [count::cases(), merge::cases()].into_iter().flatten().collect()
}

struct Inputs {
    pixels: HostPixels,
    mask: Option<HostMask>,
    tiles: Tiles,
}

impl Inputs {
    fn new(size: [u32; 2], bits: u8, tiles: Tiles) -> Self {
        Self { pixels: HostPixels::noise(size, bits), mask: None, tiles }
    }

    fn with_mask(mut self, mask: HostMask) -> Self {
        self.mask = Some(mask);
        self
    }
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let pixels = inputs.pixels.record(graph);
    let mask = inputs.mask.as_ref().map(|m| m.record(graph));
    histogram::record(graph, pixels, mask, &inputs.tiles);
}

/// Tiles of `length` pixels from `offset` on.
fn fixed(offset: i32, length: u32, count: u32, image: u32) -> Axis {
    Axis { offset, numerator: length, denominator: 1, count, length: image }
}
