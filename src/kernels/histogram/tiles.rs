//! How an image is cut into tiles that may reach beyond its edges.

use std::ops::Range;

/// Division of one axis of an image into tiles.
///
/// Tile i covers the virtual pixels from `offset + ⌊i·numerator/denominator⌋` up to
/// `offset + ⌊(i + 1)·numerator/denominator⌋`, the last not included. A virtual pixel outside `0..length` stands for
/// the pixel found by mirroring at the centres of the first and last pixels, as often as needed (reflect-101: … 2 1 | 0
/// 1 2 …). An image one pixel long is that pixel everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Virtual pixel at which the first tile begins.
    pub offset: i32,
    /// Pixels in `denominator` tiles; `(count + 1)·numerator` is below 2³².
    pub numerator: u32,
    /// See `numerator`; not 0.
    pub denominator: u32,
    /// Number of tiles.
    pub count: u32,
    /// Pixels of the image.
    pub length: u32,
}

impl Axis {
    /// `count` tiles of nearly equal length, bounded at `⌊i·length/count⌋`; not more than pixels.
    #[must_use]
    pub fn even(length: u32, count: u32) -> Self {
        let count = count.clamp(1, length.max(1));
        Self { offset: 0, numerator: length, denominator: count, count, length }
    }

    /// Virtual pixels of tile `index`.
    #[must_use]
    pub fn range(&self, index: u32) -> Range<i32> {
        let boundary = |i: u32| self.offset + (i * self.numerator / self.denominator) as i32;
        boundary(index)..boundary(index + 1)
    }

    /// Pixel for which a virtual pixel stands.
    #[must_use]
    pub fn mirrored(&self, pixel: i32) -> u32 {
        mirrored(pixel, self.length)
    }

    /// Shortest and longest tile, in pixels.
    #[must_use]
    pub fn lengths(&self) -> (u32, u32) {
        let lengths = (0..self.count).map(|i| self.range(i).len() as u32);
        lengths.fold((u32::MAX, 0), |(least, most), l| (least.min(l), most.max(l)))
    }

    /// Pixels that tile `index` reads: from the first to the last, both included; `None` where the tile is empty.
    fn reach(&self, index: u32) -> Option<(u32, u32)> {
        let pixels = self.range(index).map(|p| self.mirrored(p));
        pixels.fold(None, |reach, p| Some(reach.map_or((p, p), |(a, b): (u32, u32)| (a.min(p), b.max(p)))))
    }

    /// First and last pixel that a tile reads, relative to `⌊i·numerator/denominator⌋`, over all tiles.
    pub(super) fn window(&self) -> (i32, i32) {
        let reaches = (0..self.count).filter_map(|i| {
            let base = (i * self.numerator / self.denominator) as i32;
            self.reach(i).map(|(a, b)| (a as i32 - base, b as i32 - base))
        });
        reaches.reduce(|(first, last), (a, b)| (first.min(a), last.max(b))).unwrap_or((0, 0))
    }
}

/// Pixel of an axis of `length` pixels for which a virtual pixel stands (reflect-101).
#[must_use]
pub(super) fn mirrored(pixel: i32, length: u32) -> u32 {
    if length <= 1 {
        return 0;
    }
    // Mirroring about pixel 0 makes the axis symmetric; about the last pixel, periodic.
    let period = 2 * (length - 1);
    let within = pixel.unsigned_abs() % period;
    within.min(period - within)
}

/// Division of an image into a grid of tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Across and down.
    pub axes: [Axis; 2],
}

impl Tiles {
    /// One tile: the image of `size` pixels (columns, rows).
    #[must_use]
    pub fn whole(size: [u32; 2]) -> Self {
        Self::even(size, [1, 1])
    }

    /// `count` tiles across and down of nearly equal sizes, bounded at `⌊i·length/count⌋`; not more than pixels.
    #[must_use]
    pub fn even(size: [u32; 2], count: [u32; 2]) -> Self {
        Self { axes: [0, 1].map(|a| Axis::even(size[a], count[a])) }
    }

    /// The same tiles, each cut into `strips` strips of rows.
    pub(super) fn in_strips(&self, strips: u32) -> Self {
        let [x, y] = self.axes;
        Self { axes: [x, Axis { denominator: y.denominator * strips, count: y.count * strips, ..y }] }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mirroring_does_not_repeat_the_edge() {
        let pixels: Vec<u32> = (-5..10).map(|p| mirrored(p, 4)).collect();
        assert_eq!(pixels, [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3]);
        assert_eq!([-1, 0, 1, 7].map(|p| mirrored(p, 1)), [0; 4]);
    }

    proptest! {
        #[test]
        fn even_tiles_cover_every_pixel_once(length in 1_u32..5000, count in 1_u32..70) {
            let axis = Axis::even(length, count);
            let pixels: Vec<i32> = (0..axis.count).flat_map(|i| axis.range(i)).collect();
            prop_assert!(pixels.into_iter().eq(0..length as i32));
            prop_assert!(axis.lengths().1 - axis.lengths().0 <= 1);
        }

        #[test]
        fn strips_cover_their_tile_and_stay_in_the_window(
            (offset, numerator, denominator) in (-20_i32..20, 1_u32..50, 1_u32..8),
            (count, length, strips) in (1_u32..9, 1_u32..60, 1_u32..9),
        ) {
            let y = Axis { offset, numerator, denominator, count, length };
            let fine = Tiles { axes: [y, y] }.in_strips(strips).axes[1];
            let (first, last) = fine.window();
            for tile in 0..count {
                let pixels: Vec<i32> = (0..strips).flat_map(|s| fine.range(tile * strips + s)).collect();
                prop_assert!(pixels.into_iter().eq(y.range(tile)));
            }
            for strip in 0..fine.count {
                let base = (strip * fine.numerator / fine.denominator) as i32;
                for row in fine.range(strip).map(|p| fine.mirrored(p) as i32) {
                    prop_assert!((base + first..=base + last).contains(&row));
                }
            }
        }
    }
}
