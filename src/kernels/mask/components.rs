//! The largest component of a mask, and its holes.
//!
//! For masks of up to about a million pixels, see [`labels`].

use super::{
    labels::{self, Ground},
    select::{self, Kept},
    tally::{self, Counted},
};
use crate::{engine::Graph, kernels::Mask};

/// Records the largest component of the set pixels, connected by 8 neighbours.
///
/// Of components of one area the first in raster order is taken; an empty mask stays empty.
pub fn largest(graph: &mut Graph<'_>, mask: Mask) -> Mask {
    kept(graph, mask, Ground::Set, Counted::All, Kept::Best)
}

/// Records the mask with its holes filled: unset pixels that 4 neighbours do not connect to the border of the image.
pub fn fill_holes(graph: &mut Graph<'_>, mask: Mask) -> Mask {
    kept(graph, mask, Ground::Unset, Counted::Border, Kept::Uncounted)
}

fn kept(graph: &mut Graph<'_>, mask: Mask, ground: Ground, counted: Counted, kept: Kept) -> Mask {
    let labels = labels::record(graph, mask, ground);
    let tally = tally::record(graph, labels, mask.size, counted);
    select::record(graph, labels, tally, mask.size, kept)
}
