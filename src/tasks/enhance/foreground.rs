//! The foreground: what lies above the triangle threshold, tidied up on a coarse grid.

use super::MaskOptions;
use crate::{
    engine::{Buffer, Graph},
    kernels::{
        Mask, Pixels,
        histogram::{self, Tiles},
        mask::{above, collimation, components, expand, morphology, rectangle, reduce},
        threshold::triangle,
    },
};

/// Most cells along the longer side of the image.
const MAX_CELLS: u32 = 512;

/// Records the foreground of `pixels`, and the threshold: its first word is the level above which the foreground lies.
pub(super) fn record(graph: &mut Graph<'_>, pixels: Pixels, options: &MaskOptions) -> (Mask, Buffer<u32>) {
    let histogram = histogram::record(graph, pixels, None, &Tiles::whole(pixels.size));
    let threshold = triangle::record(graph, histogram, options.threshold);
    let above = above::record(graph, pixels, threshold);
    let tidied = if is_tidied(options) { tidy(graph, above, options) } else { above };
    let mask = match options.collimation {
        true => {
            let borders = collimation::record(graph, pixels);
            rectangle::clip(graph, tidied, borders)
        }
        false => tidied,
    };
    (mask, threshold)
}

fn is_tidied(options: &MaskOptions) -> bool {
    let MaskOptions { open, close, grow, largest, fill, .. } = *options;
    open + close + grow > 0 || largest || fill
}

fn tidy(graph: &mut Graph<'_>, mask: Mask, options: &MaskOptions) -> Mask {
    let factor = mask.size[0].max(mask.size[1]).div_ceil(MAX_CELLS);
    let cells = reduce::record(graph, mask, factor);
    let opened = morphology::open(graph, cells, options.open);
    let closed = morphology::close(graph, opened, options.close);
    let largest = if options.largest { components::largest(graph, closed) } else { closed };
    let filled = if options.fill { components::fill(graph, largest) } else { largest };
    let grown = morphology::dilate(graph, filled, options.grow);
    if factor == 1 { grown } else { expand::record(graph, grown, factor, mask.size) }
}
