use serde::{Deserialize, Serialize};

use crate::Error;

/// How a volume is divided for a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pieces {
    /// Slices of constant z.
    Axial,
    /// Slices of constant y.
    Coronal,
    /// Slices of constant x.
    Sagittal,
    /// Cubes of so many voxels a side, blended.
    Patch(usize),
}

/// Voxels of a volume, by their first ones and their number along (z, y, x). What lies outside the volume is that of the
/// nearest voxel inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first voxel.
    pub start: [isize; 3],
    /// Number of voxels.
    pub size: [usize; 3],
}

/// Voxels of the pieces that a network is given at once. On the CPU fewer leave cores waiting for each other, and more
/// leave the caches.
const VOXELS_AT_ONCE: usize = 1 << 17;

/// Pieces of such a size that a network is given at once.
pub(crate) fn at_once(size: [usize; 3]) -> usize {
    (VOXELS_AT_ONCE / size.iter().product::<usize>()).max(1)
}

/// σ of the weights of a patch, relative to its side: MONAI's default.
const BLEND: f64 = 0.125;

impl Pieces {
    /// The axis across slices, of (z, y, x).
    #[must_use]
    pub fn across(self) -> Option<usize> {
        match self {
            Self::Axial => Some(0),
            Self::Coronal => Some(1),
            Self::Sagittal => Some(2),
            Self::Patch(_) => None,
        }
    }

    /// Voxels of a piece of a volume, in which sides within slices are `multiple`s.
    #[must_use]
    pub fn size(self, volume: [usize; 3], multiple: usize) -> [usize; 3] {
        match self {
            Self::Patch(side) => [side; 3],
            slices => {
                let across = slices.across();
                [0, 1, 2].map(|axis| if across == Some(axis) { 1 } else { volume[axis].next_multiple_of(multiple) })
            }
        }
    }

    /// Pieces that cover a volume, in order: every slice, or patches that overlap by half.
    #[must_use]
    pub fn cover(self, volume: [usize; 3], multiple: usize) -> Vec<Block> {
        let size = self.size(volume, multiple);
        let starts = [0, 1, 2].map(|axis| starts(volume[axis], size[axis], self.across() == Some(axis)));
        let mut blocks = Vec::new();
        for &z in &starts[0] {
            for &y in &starts[1] {
                for &x in &starts[2] {
                    blocks.push(Block { start: [z, y, x], size });
                }
            }
        }
        blocks
    }

    /// Weights of a piece's voxels, `[z][y][x]`: 1 in a slice; in a patch a Gaussian about its middle, so that no edge shows.
    #[must_use]
    pub fn weights(self, size: [usize; 3]) -> Vec<f32> {
        let Self::Patch(side) = self else { return vec![1.0; size.iter().product()] };
        let along = |i: usize| {
            let from_middle = (i as f64 - (side as f64 - 1.0) / 2.0) / (BLEND * side as f64);
            (-0.5 * from_middle * from_middle).exp()
        };
        let line: Vec<f64> = (0..side).map(along).collect();
        let plane =
            |z: f64, line: &[f64]| line.iter().flat_map(|y| line.iter().map(move |x| (z * y * x) as f32)).collect();
        line.iter().flat_map(|z| -> Vec<f32> { plane(*z, &line) }).collect()
    }

    /// A volume `[z][y][x]` of `dims` from what `output` makes of some of its pieces at once, `[piece][z][y][x]`, blended by
    /// their weights; `tell` hears which share is done and may stop it.
    pub(crate) fn assemble(
        self,
        dims: [usize; 3],
        multiple: usize,
        tell: &mut dyn FnMut(f64) -> Result<(), Error>,
        output: impl Fn(&[Block]) -> Result<Vec<f32>, Error>,
    ) -> Result<Vec<f32>, Error> {
        let (blocks, size) = (self.cover(dims, multiple), self.size(dims, multiple));
        let (weights, voxels) = (self.weights(size), size.iter().product());
        let count = dims.iter().product();
        let (mut sum, mut total) = (vec![0.0; count], vec![0.0; count]);
        for (index, some) in blocks.chunks(at_once(size)).enumerate() {
            tell((index * at_once(size)) as f64 / blocks.len() as f64)?;
            for (block, output) in some.iter().zip(output(some)?.chunks_exact(voxels)) {
                block.add(output, &weights, &mut sum, &mut total, dims);
            }
        }
        sum.iter_mut().zip(total).for_each(|(sum, total)| *sum /= total);
        Ok(sum)
    }
}

/// Where pieces start along an axis: one after the other across slices, else overlapping by half and, where the axis is
/// shorter than a piece, in its middle.
fn starts(length: usize, size: usize, is_across: bool) -> Vec<isize> {
    if is_across {
        return (0..length as isize).collect();
    }
    if length <= size {
        return vec![-(((size - length) / 2) as isize)];
    }
    let last = length - size;
    let steps = last.div_ceil(size / 2);
    (0..=steps).map(|step| (step * last / steps) as isize).collect()
}

impl Block {
    /// Its voxels of a volume of `dims` along (z, y, x).
    #[must_use]
    pub fn cut<T: Copy>(&self, values: &[T], dims: [usize; 3]) -> Vec<T> {
        let inside = |axis: usize, i: usize| (self.start[axis] + i as isize).clamp(0, dims[axis] as isize - 1) as usize;
        let columns: Vec<usize> = (0..self.size[2]).map(|x| inside(2, x)).collect();
        let mut cut = Vec::with_capacity(self.size.iter().product());
        for z in 0..self.size[0] {
            for y in 0..self.size[1] {
                let row = &values[(inside(0, z) * dims[1] + inside(1, y)) * dims[2]..][..dims[2]];
                cut.extend(columns.iter().map(|&x| row[x]));
            }
        }
        cut
    }

    /// Adds `weights · block` to `sum`, and the weights to `total`, at its voxels within the volume.
    fn add(&self, block: &[f32], weights: &[f32], sum: &mut [f32], total: &mut [f32], dims: [usize; 3]) {
        let within = |axis: usize, i: usize| {
            usize::try_from(self.start[axis] + i as isize).ok().filter(|place| *place < dims[axis])
        };
        let rows = block.chunks_exact(self.size[2]).zip(weights.chunks_exact(self.size[2]));
        for (row, (block, weights)) in rows.enumerate() {
            let (Some(z), Some(y)) = (within(0, row / self.size[1]), within(1, row % self.size[1])) else { continue };
            let first = (z * dims[1] + y) * dims[2];
            for (x, (value, weight)) in block.iter().zip(weights).enumerate() {
                if let Some(x) = within(2, x) {
                    sum[first + x] += weight * value;
                    total[first + x] += weight;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A constant stays constant, whatever overlaps; the control: without dividing by the weights it does not.
    #[test]
    fn pieces_cover_every_voxel_and_blend_to_one() {
        for (pieces, dims) in [
            (Pieces::Axial, [5, 7, 9]),
            (Pieces::Coronal, [5, 7, 9]),
            (Pieces::Sagittal, [5, 7, 9]),
            (Pieces::Patch(8), [5, 8, 21]),
            (Pieces::Patch(8), [9, 17, 32]),
        ] {
            let count = dims.iter().product();
            let (mut sum, mut total) = (vec![0.0; count], vec![0.0; count]);
            for block in pieces.cover(dims, 4) {
                let ones = block.cut(&vec![3.0; count], dims);
                block.add(&ones, &pieces.weights(block.size), &mut sum, &mut total, dims);
            }
            assert!(total.iter().all(|w| *w > 0.0), "{pieces:?}: a voxel is in no piece");
            let blended: Vec<f32> = sum.iter().zip(&total).map(|(s, w)| s / w).collect();
            assert!(blended.iter().all(|v| (v - 3.0).abs() < 1e-6), "{pieces:?}");
            let is_plain = sum.iter().all(|v| (v - 3.0).abs() < 1e-6);
            assert_eq!(is_plain, pieces.across().is_some(), "{pieces:?}: the control");
        }
    }

    #[test]
    fn blocks_hold_their_voxels_and_the_nearest_ones_beyond_the_edge() {
        let dims = [2, 3, 4];
        let values: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let block = Block { start: [1, -1, 2], size: [1, 2, 3] };
        assert_eq!(block.cut(&values, dims), [14.0, 15.0, 15.0, 14.0, 15.0, 15.0]);
        assert_eq!(starts(9, 4, false), [0, 1, 3, 5]);
        assert_eq!(starts(3, 6, false), [-1]);
    }
}
