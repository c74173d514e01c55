//! Overlapped tiles whose results are joined by smooth weights, so that no tile shows.

/// Tiles along one side of an image: equal lengths, neighbours overlapping, together covering the side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    starts: Vec<usize>,
    tile: usize,
    overlap: usize,
}

impl Axis {
    /// Tiles of `tile` pixels that overlap by `overlap` or more; neither the side nor a stride is empty, and the side is
    /// at least one tile long.
    #[must_use]
    pub fn new(length: usize, tile: usize, overlap: usize) -> Self {
        let count = (length - overlap.min(length - 1)).div_ceil(tile - overlap).max(1);
        // Equal distances, as far as whole pixels allow: no tile is pushed back more than the others.
        let starts = (0..count).map(|i| if count == 1 { 0 } else { i * (length - tile) / (count - 1) });
        Self { starts: starts.collect(), tile, overlap }
    }

    /// First pixel of each tile.
    #[must_use]
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Weight of each pixel of tile `index`; those of all tiles sum to 1 everywhere.
    ///
    /// From one tile to the next, weight passes along a raised cosine in the middle of what they share. It takes half of
    /// the overlap asked for, so that a quarter at either end, where a network misses its neighbourhood, counts for
    /// nothing; and no more than one stride, so that never more than two tiles count.
    #[must_use]
    pub fn weights(&self, index: usize) -> Vec<f32> {
        let strides = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        let width = strides.chain([self.overlap / 2]).min().unwrap_or(0).max(1) as f64;
        // Share of the weight that tile `of` has taken from the one before at a pixel of the side.
        let taken = |of: usize, pixel: usize| {
            let middle = (self.starts[of - 1] + self.tile + self.starts[of]) as f64 / 2.0;
            let share = ((pixel as f64 + 0.5 - middle) / width + 0.5).clamp(0.0, 1.0);
            0.5 - 0.5 * (std::f64::consts::PI * share).cos()
        };
        let pixels = self.starts[index]..self.starts[index] + self.tile;
        let weight = |pixel| {
            let up = if index > 0 { taken(index, pixel) } else { 1.0 };
            let down = if index + 1 < self.starts.len() { taken(index + 1, pixel) } else { 0.0 };
            (up - down) as f32
        };
        pixels.map(weight).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn weights_of_all_tiles_sum_to_one(length in 1usize..2000, tile in 8usize..300, share in 0.0f64..0.9) {
            prop_assume!(length >= tile);
            let axis = Axis::new(length, tile, (share * tile as f64) as usize);
            let mut sum = vec![0.0f32; length];
            for (index, start) in axis.starts().iter().enumerate() {
                prop_assert!(start + tile <= length);
                for (at, weight) in axis.weights(index).into_iter().enumerate() {
                    prop_assert!((-1e-6..=1.0).contains(&weight), "{axis:?}: {weight}");
                    sum[start + at] += weight;
                }
            }
            prop_assert!(sum.iter().all(|s| (s - 1.0).abs() < 1e-5), "{axis:?}");
        }

        #[test]
        fn the_ends_of_overlaps_count_for_nothing(length in 300usize..2000, overlap in 8usize..100) {
            let axis = Axis::new(length, 256, overlap);
            for index in 1..axis.starts().len() {
                let weights = axis.weights(index);
                prop_assert!(weights[..overlap / 4 - 1].iter().all(|w| *w < 1e-6), "{axis:?}");
            }
        }
    }
}
