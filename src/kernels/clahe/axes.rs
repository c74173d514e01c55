//! Where tiles lie and how pixels stand between their centres, in each convention.

use crate::{
    engine::{Buffer, Graph},
    kernels::histogram::{Axis, Tiles},
};

/// Steps of a weight in fixed point.
pub(super) const WEIGHT_ONE: u32 = 1 << 12;

/// The two tiles between whose centres every pixel of an axis lies, and the weight of the second.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Places {
    /// First tile in the low half-word, second in the high one.
    pub(super) pairs: Vec<u32>,
    /// Weights of the second tile: fixed point, the bits of an f32, or pixels.
    pub(super) weights: Vec<u32>,
}

impl Places {
    fn new(places: impl Iterator<Item = ([u32; 2], u32)>) -> Self {
        let (pairs, weights) = places.map(|([first, second], weight)| (first | second << 16, weight)).unzip();
        Self { pairs, weights }
    }

    /// OpenCV: centres at half a tile from pixel 0, in f32.
    fn opencv(length: u32, tile: u32, count: u32) -> Self {
        let inverse = 1.0 / tile as f32;
        Self::new((0..length).map(|x| {
            let place = x as f32 * inverse - 0.5;
            let first = place.floor();
            let weight = place - first;
            let first = first as i32;
            let last = count as i32 - 1;
            ([first.max(0) as u32, (first + 1).min(last) as u32], weight.to_bits())
        }))
    }

    /// Centres of tiles that need not be equal, in fixed point. Twice the centre of the pixels a..b is a + b − 1.
    fn kerma(axis: &Axis) -> Self {
        let doubled = |i: u32| {
            let range = axis.range(i);
            range.start + range.end - 1
        };
        let mut first = 0;
        Self::new((0..axis.length).map(|x| {
            let place = 2 * x as i32;
            while first + 1 < axis.count && doubled(first + 1) <= place {
                first += 1;
            }
            let second = (first + 1).min(axis.count - 1);
            let (from, to) = (doubled(first), doubled(second));
            if place <= from || from == to {
                return ([first, first], 0);
            }
            let (part, whole) = ((place - from) as u32, (to - from) as u32);
            ([first, second], (part * WEIGHT_ONE + whole / 2) / whole)
        }))
    }

    /// scikit-image: centres at half a tile, counted in whole pixels from them.
    fn skimage(length: u32, tile: u32, count: u32) -> Self {
        Self::new((0..length).map(|x| {
            let place = x + tile / 2;
            let second = place / tile;
            ([second.saturating_sub(1), second.min(count - 1)], place % tile)
        }))
    }

    /// Uploads pairs and weights, one after the other.
    fn record(&self, graph: &mut Graph<'_>, label: &'static str) -> Buffer<u32> {
        let words: Vec<u32> = self.pairs.iter().chain(&self.weights).copied().collect();
        graph.upload_table(label, &words)
    }
}

/// Tiles of an image and the places of its columns and rows between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) tiles: Tiles,
    /// Across, down.
    pub(super) places: [Places; 2],
}

impl Layout {
    /// Tiles that cover the image, cut at ⌊i·length/count⌋.
    pub(super) fn kerma(size: [u32; 2], tiles: [u32; 2]) -> Self {
        let tiles = Tiles::even(size, tiles);
        Self { tiles, places: tiles.axes.map(|a| Places::kerma(&a)) }
    }

    /// Equal tiles. If either side is no multiple of its number of tiles, both grow by `tiles − side % tiles`: a side
    /// that is a multiple by a whole pixel per tile.
    pub(super) fn opencv(size: [u32; 2], tiles: [u32; 2]) -> Self {
        let fits = size[0].is_multiple_of(tiles[0]) && size[1].is_multiple_of(tiles[1]);
        let axis = |i: usize| {
            let (length, count) = (size[i], tiles[i]);
            let padded = if fits { length } else { length + count - length % count };
            Axis { offset: 0, numerator: padded / count, denominator: 1, count, length }
        };
        let tiles = Tiles { axes: [axis(0), axis(1)] };
        Self { tiles, places: tiles.axes.map(|a| Places::opencv(a.length, a.numerator, a.count)) }
    }

    /// Tiles of `⌊side/tiles⌋` pixels, as many as the image needs, the last mirrored.
    pub(super) fn skimage(size: [u32; 2], tiles: [u32; 2]) -> Self {
        let axis = |i: usize| {
            let (length, tile) = (size[i], (size[i] / tiles[i]).max(1));
            Axis { offset: 0, numerator: tile, denominator: 1, count: length.div_ceil(tile), length }
        };
        let tiles = Tiles { axes: [axis(0), axis(1)] };
        Self { tiles, places: tiles.axes.map(|a| Places::skimage(a.length, a.numerator, a.count)) }
    }

    /// Uploads the places of columns and of rows.
    pub(super) fn record_places(&self, graph: &mut Graph<'_>) -> [Buffer<u32>; 2] {
        let [columns, rows] = &self.places;
        [columns.record(graph, "clahe.columns"), rows.record(graph, "clahe.rows")]
    }

    /// Pixels of a tile, on average.
    pub(super) fn tile_pixels(&self) -> u64 {
        let [area, count] =
            [self.tiles.axes.map(|a| a.length), self.counts()].map(|[x, y]| u64::from(x) * u64::from(y));
        area / count
    }

    /// Tiles across and down.
    pub(super) fn counts(&self) -> [u32; 2] {
        self.tiles.axes.map(|a| a.count)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::quads::Quads, *};

    fn at(places: &Places, x: usize) -> [u32; 3] {
        [places.pairs[x] & 0xffff, places.pairs[x] >> 16, places.weights[x]]
    }

    #[test]
    fn padding_is_that_of_opencv() {
        let tile = |size, tiles| Layout::opencv(size, tiles).tiles.axes.map(|a| a.numerator);
        assert_eq!(tile([64, 64], [8, 8]), [8, 8]);
        // 33 is no multiple, so that 40 grows to 48 as well.
        assert_eq!(tile([40, 33], [8, 8]), [6, 5]);
        assert_eq!(tile([1, 1], [8, 8]), [1, 1]);
    }

    #[test]
    fn centres_of_uneven_tiles_take_pure_tiles() {
        // 10 pixels in 3 tiles: 0..3, 3..6, 6..10; centres 1, 4, 7.5.
        let places = Places::kerma(&Axis::even(10, 3));
        assert_eq!(at(&places, 0), [0, 0, 0]);
        assert_eq!(at(&places, 1), [0, 0, 0]);
        assert_eq!(at(&places, 2), [0, 1, 1365]);
        assert_eq!(at(&places, 4), [1, 1, 0]);
        assert_eq!(at(&places, 7), [1, 2, 3511]);
        assert_eq!([8, 9].map(|x| at(&places, x)), [[2, 2, 0]; 2]);
    }

    #[test]
    fn every_row_of_tiles_is_in_the_window() {
        for (length, count) in [(1, 1), (7, 3), (40, 8), (33, 8), (100, 7), (4000, 8), (517, 64)] {
            for layout in [Layout::kerma, Layout::opencv, Layout::skimage].map(|l| l([1, length], [1, count])) {
                let Axis { numerator: tile_height, denominator: tiles, .. } = layout.tiles.axes[1];
                let window = Quads { tile_height, tiles, ..bytemuck::Zeroable::zeroed() }.window();
                for y in 0..length {
                    let place = (y * window.numerator / window.denominator) as i32;
                    let [first, second, _] = at(&layout.places[1], y as usize);
                    assert!(first as i32 >= place + window.first && second as i32 <= place + window.last, "{y}");
                    assert!(second < layout.counts()[1]);
                }
            }
        }
    }
}
