//! The foreground: what lies above the triangle threshold, tidied up on a coarse grid.

use super::MaskOptions;
use crate::{
    engine::{Buffer, Graph},
    kernels::{
        Mask, Pixels,
        histogram::{self, Tiles},
        mask::{
            above, combine,
            field::{self, Cleaning},
            morphology,
        },
        threshold::{limit, triangle},
    },
};

/// Most cells along the longer side of the image.
const MAX_CELLS: u32 = 512;

/// Records the foreground of `pixels` within `region`, and the threshold: its first word is the level above which the
/// foreground lies, its last one the level found where that was limited.
pub(super) fn record(
    graph: &mut Graph<'_>,
    pixels: Pixels,
    region: Option<Mask>,
    options: &MaskOptions,
) -> (Mask, Buffer<u32>) {
    let within = |graph: &mut Graph<'_>, mask| region.map_or(mask, |region| combine::and(graph, mask, region));
    let histogram = histogram::record(graph, pixels, region, &Tiles::whole(pixels.size));
    let threshold = triangle::record(graph, histogram, options.threshold);
    let threshold = match options.highest < 1.0 {
        true => limit::record(graph, threshold, (options.highest * 1e3).round() as u32),
        false => threshold,
    };
    let above = above::record(graph, pixels, threshold);
    let above = within(graph, above);
    let cleaning = Cleaning {
        longest: MAX_CELLS,
        opening: options.open,
        closing: options.close,
        largest: options.largest,
        fill: options.fill,
    };
    let is_clean = options.open + options.close == 0 && !options.largest && !options.fill;
    let clean = if is_clean { above } else { field::record(graph, above, &cleaning) };
    let grown = morphology::dilate(graph, clean, options.grow * cleaning.factor(pixels.size));
    let mask = within(graph, grown);
    (mask, threshold)
}
