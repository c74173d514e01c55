use burn::tensor::{Device, Tensor, TensorData};

use super::{Axis, DenoiseOptions};

/// Where the tiles of an image lie, its edges mirrored outwards until they fit.
pub(super) struct Layout {
    /// Columns and rows, with those that were mirrored.
    pub(super) size: [usize; 2],
    /// Rows and columns of a tile.
    pub(super) tile: usize,
    /// Tiles that the network is given at once at most.
    pub(super) batch: usize,
    pub(super) across: Axis,
    pub(super) down: Axis,
}

impl Layout {
    /// Tiles of an image, `batch` at once or fewer: those of a row are shared out evenly.
    pub(super) fn new(size: [usize; 2], &DenoiseOptions { tile, overlap, .. }: &DenoiseOptions, batch: usize) -> Self {
        let padded = size.map(|length| length.max(tile));
        let [across, down] = padded.map(|length| Axis::new(length, tile, overlap));
        let count = across.starts().len();
        Self { size: padded, tile, batch: count.div_ceil(count.div_ceil(batch)), across, down }
    }

    /// Tiles of the image.
    pub(super) fn tiles(&self) -> usize {
        self.across.starts().len() * self.down.starts().len()
    }

    /// Values of an image of that size, mirrored outwards.
    pub(super) fn padded(&self, values: Vec<f32>, size: [usize; 2]) -> Vec<f32> {
        if size == self.size {
            return values;
        }
        let mirrored = |at: usize, length: usize| {
            let period = 2 * length.max(2) - 2;
            let at = at % period;
            if length == 1 { 0 } else { at.min(period - at) }
        };
        let [columns, rows] = self.size;
        (0..rows * columns)
            .map(|i| values[mirrored(i / columns, size[1]) * size[0] + mirrored(i % columns, size[0])])
            .collect()
    }

    /// The values of the image without what was mirrored.
    pub(super) fn cropped(&self, values: Vec<f32>, [columns, rows]: [usize; 2]) -> Vec<f32> {
        if [columns, rows] == self.size {
            return values;
        }
        values.chunks(self.size[0]).take(rows).flat_map(|row| &row[..columns]).copied().collect()
    }

    /// Weights by which tiles are joined.
    pub(super) fn weights(&self, device: &Device) -> Weights {
        let weights = |axis: &Axis| {
            let count = axis.starts().len();
            let values: Vec<f32> = (0..count).flat_map(|index| axis.weights(index)).collect();
            Tensor::<1>::from_data(TensorData::new(values, [count * self.tile]), device)
        };
        let shape =
            |axis: &Axis, [rows, columns]: [usize; 2]| weights(axis).reshape([axis.starts().len(), 1, rows, columns]);
        Weights { across: shape(&self.across, [1, self.tile]), down: shape(&self.down, [self.tile, 1]) }
    }
}

/// Weights of the pixels of all tiles of a row, and of all rows of tiles.
///
/// # Shapes
/// - across: `[count, 1, 1, tile]`
/// - down: `[count, 1, tile, 1]`
pub(super) struct Weights {
    pub(super) across: Tensor<4>,
    pub(super) down: Tensor<4>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_a_row_are_shared_out_evenly() {
        let options = DenoiseOptions { tile: 64, overlap: 16, ..DenoiseOptions::default() };
        // Seven tiles of 64, at least 16 shared by neighbours.
        let batch = |most| Layout::new([340, 64], &options, most).batch;
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8, usize::MAX].map(batch), [1, 2, 3, 4, 4, 4, 7, 7, 7]);
    }

    #[test]
    fn what_is_mirrored_is_cropped_again() {
        let options = DenoiseOptions { tile: 8, overlap: 2, ..DenoiseOptions::default() };
        let values: Vec<f32> = (0..3 * 20).map(|i| i as f32).collect();
        let layout = Layout::new([3, 20], &options, 1);
        assert_eq!(layout.size, [8, 20]);
        let padded = layout.padded(values.clone(), [3, 20]);
        assert_eq!(padded[8..16], [3.0, 4.0, 5.0, 4.0, 3.0, 4.0, 5.0, 4.0]);
        assert_eq!(layout.cropped(padded, [3, 20]), values);
    }
}
