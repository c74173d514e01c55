use crate::{body::mask::INSIDE, data::Volume};

/// Slices of a volume, by the voxel axis they stand upright on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plane {
    /// One z: columns along x, rows along y.
    Axial,
    /// One y: columns along x, rows along z.
    Coronal,
    /// One x: columns along y, rows along z.
    Sagittal,
}

impl Plane {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// Voxel axis (0 is x) across the slices.
    #[must_use]
    pub fn normal(self) -> usize {
        self.axes()[2]
    }

    /// Voxel axes of columns and rows, and the one across.
    fn axes(self) -> [usize; 3] {
        match self {
            Self::Axial => [0, 1, 2],
            Self::Coronal => [0, 2, 1],
            Self::Sagittal => [1, 2, 0],
        }
    }

    /// Columns and rows of a slice, and the number of slices.
    pub(super) fn extent(self, volume: &Volume) -> [usize; 3] {
        self.axes().map(|axis| volume.grid().size()[axis])
    }

    /// Values of slice `index`, row by row.
    pub(super) fn slice(self, volume: &Volume, index: usize) -> Vec<f32> {
        let [nx, ny, _] = volume.grid().size();
        let [along, down, across] = self.axes().map(|axis| [1, nx, nx * ny][axis]);
        let [columns, rows, _] = self.extent(volume);
        let place = |row: usize, column: usize| index * across + row * down + column * along;
        (0..rows).flat_map(|row| (0..columns).map(move |column| volume.values()[place(row, column)])).collect()
    }

    /// Which pixels of slice `index` lie in the mask.
    pub(super) fn mask(self, mask: &Volume, index: usize) -> Vec<bool> {
        self.slice(mask, index).into_iter().map(|value| value > INSIDE).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Grid, Unit};

    #[test]
    fn slices_are_those_of_their_axes() {
        let grid = Grid::centred([2, 3, 4], [1.0; 3]).unwrap();
        // 100·z + 10·y + x.
        let values = (0..24_u16).map(|i| f32::from(100 * (i / 6) + 10 * (i / 2 % 3) + i % 2)).collect();
        let volume = Volume::new(grid, Unit::Arbitrary, values).unwrap();
        assert_eq!(Plane::ALL.map(|plane| plane.extent(&volume)), [[2, 3, 4], [2, 4, 3], [3, 4, 2]]);
        assert_eq!(Plane::Axial.slice(&volume, 3), [300.0, 301.0, 310.0, 311.0, 320.0, 321.0]);
        assert_eq!(Plane::Coronal.slice(&volume, 2), [20.0, 21.0, 120.0, 121.0, 220.0, 221.0, 320.0, 321.0]);
        let sagittal = [1.0, 11.0, 21.0, 101.0, 111.0, 121.0, 201.0, 211.0, 221.0, 301.0, 311.0, 321.0];
        assert_eq!(Plane::Sagittal.slice(&volume, 1), sagittal);
        assert_eq!(Plane::ALL.map(Plane::normal), [2, 1, 0]);
        assert_eq!(Plane::Axial.mask(&volume, 0), [false, true, true, true, true, true]);
    }
}
