//! Histograms of grey values, of a whole image or of its tiles.
//!
//! Tiles are cut into strips of rows that are counted side by side ([`count`]) and added up ([`merge`]). All sums are
//! of integers, so their order does not matter.

pub mod count;
pub mod merge;
mod tiles;

pub use tiles::{Axis, Tiles};

use super::{Mask, Pixels};
use crate::engine::{Buffer, Graph};

/// Strips that are counted side by side, over all tiles: enough for a small GPU.
const STRIPS: u32 = 128;
/// The same where a histogram is too large for workgroup memory, so that what is written does not exceed what is read.
const LARGE_STRIPS: u32 = 32;

/// Records the histograms of the `tiles` of `pixels`, without the pixels outside the `mask`.
///
/// ```text
/// h[t][g] = number of pixels of tile t whose value is g
/// ```
/// A pixel that a tile contains several times, by mirroring at the image's edges, counts as often.
///
/// Shapes: `[tile row][tile column · levels + g]` ← packed pixels. Tier E.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels, mask: Option<Mask>, tiles: &Tiles) -> Buffer<u32> {
    let [across, down] = tiles.axes.map(|a| a.count);
    let wanted = if count::fits_workgroup(pixels.levels()) { STRIPS } else { LARGE_STRIPS };
    let (_, tallest) = tiles.axes[1].lengths();
    let strips = (wanted / (across * down).max(1)).clamp(1, tallest.max(1));
    let partial = count::record(graph, pixels, mask, &tiles.in_strips(strips));
    if strips == 1 { partial } else { merge::record(graph, partial, strips) }
}
