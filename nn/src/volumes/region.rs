use glam::DVec3;
use kerma::{
    body,
    data::{DataError, Grid, Volume},
};
use serde::{Deserialize, Serialize};

use super::dims;
use crate::Error;

/// What lies about the lungs and is looked at besides, in millimetres: the walls that nodules touch.
const MARGIN_MM: f64 = 10.0;

/// The part of a body that a network looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Within {
    /// The box around the lungs of a CT, and a centimetre more.
    Lungs,
}

/// A box of voxels along (z, y, x): the first, and the one behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) low: [usize; 3],
    pub(crate) high: [usize; 3],
}

impl Within {
    /// Voxels of this part of a CT in HU.
    ///
    /// # Errors
    /// [`Error::Image`] when the CT does not show it.
    pub(crate) fn mask(self, ct: &Volume) -> Result<Volume, Error> {
        match self {
            Self::Lungs => body::lungs(ct).map_err(|e| Error::Image(e.to_string())),
        }
    }
}

impl Region {
    pub(crate) fn whole(dims: [usize; 3]) -> Self {
        Self { low: [0; 3], high: dims }
    }

    /// The voxels of `grid` about those of a mask, whose own grid may be another one along the same axes.
    pub(crate) fn about(mask: &Volume, grid: &Grid) -> Self {
        let [nx, ny, _] = mask.grid().size();
        let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
        for (row, values) in mask.values().chunks_exact(nx).enumerate() {
            let is_in = |value: &f32| *value > 0.5;
            let Some(first) = values.iter().position(is_in) else { continue };
            let last = values.iter().rposition(is_in).unwrap_or(first);
            for x in [first, last] {
                let place = DVec3::new(x as f64, (row % ny) as f64, (row / ny) as f64);
                let [x, y, z] = grid.index_of(mask.grid().world_mm(place)).to_array();
                for (axis, at) in [z, y, x].into_iter().enumerate() {
                    low[axis] = low[axis].min(at);
                    high[axis] = high[axis].max(at);
                }
            }
        }
        let [x, y, z] = grid.spacing_mm().to_array();
        let (margins, dims) = ([z, y, x].map(|spacing| MARGIN_MM / spacing), dims(grid));
        let within = |axis: usize, at: f64| at.clamp(0.0, dims[axis] as f64) as usize;
        let low = [0, 1, 2].map(|axis| within(axis, (low[axis] - margins[axis]).floor()).min(dims[axis] - 1));
        let high = [0, 1, 2].map(|axis| within(axis, (high[axis] + margins[axis]).ceil() + 1.0).max(low[axis] + 1));
        Self { low, high }
    }

    /// Voxels along an axis.
    pub(crate) fn length(&self, axis: usize) -> usize {
        self.high[axis] - self.low[axis]
    }

    /// Its voxels of a volume.
    pub(crate) fn cut(&self, volume: &Volume) -> Result<Volume, Error> {
        let said = |e: DataError| Error::Image(e.to_string());
        let grid = volume.grid();
        let size = [2, 1, 0].map(|axis| self.length(axis));
        let middle = [2, 1, 0].map(|axis| (self.low[axis] + self.high[axis] - 1) as f64 / 2.0);
        let centre = grid.world_mm(DVec3::from_array(middle));
        let own = Grid::centred(size, grid.spacing_mm().to_array()).map_err(said)?;
        let mut values = Vec::with_capacity(own.voxel_count());
        self.rows(grid).for_each(|row| values.extend_from_slice(&volume.values()[row..][..size[0]]));
        Volume::new(own.along_axes_of(grid).with_centre(centre), volume.unit(), values).map_err(said)
    }

    /// A part that was [cut](Self::cut), in a volume of zeros.
    pub(crate) fn put(&self, part: &Volume, grid: &Grid) -> Volume {
        let mut volume = Volume::zeros(*grid, part.unit());
        let columns = self.length(2);
        for (row, values) in self.rows(grid).zip(part.values().chunks_exact(columns)) {
            volume.values_mut()[row..][..columns].copy_from_slice(values);
        }
        volume
    }

    /// Places of the first voxels of its rows.
    fn rows(&self, grid: &Grid) -> impl Iterator<Item = usize> {
        let ([nx, ny, _], Self { low, high }) = (grid.size(), *self);
        (low[0]..high[0]).flat_map(move |z| (low[1]..high[1]).map(move |y| (z * ny + y) * nx + low[2]))
    }
}

#[cfg(test)]
mod tests {
    use kerma::data::Unit;

    use super::*;

    #[test]
    fn a_region_lies_about_its_mask_on_any_grid_and_is_put_back_where_it_was() {
        let grid: Grid = "10x8x6@10x10x10".parse().unwrap();
        let mut mask = Volume::zeros(grid, Unit::Arbitrary);
        for [x, y, z] in [[4, 3, 2], [6, 3, 3]] {
            mask.values_mut()[(z * 8 + y) * 10 + x] = 1.0;
        }
        let region = Region::about(&mask, &grid);
        assert_eq!(region, Region { low: [1, 2, 3], high: [5, 5, 8] });
        let finer: Grid = "20x16x12@5x5x5".parse().unwrap();
        assert_eq!(Region::about(&mask, &finer), Region { low: [2, 4, 6], high: [10, 10, 16] });

        let values = (0..480).map(|v| v as f32).collect();
        let volume = Volume::new(grid, Unit::Hounsfield, values).unwrap();
        let part = region.cut(&volume).unwrap();
        assert_eq!((part.grid().size(), part.values()[0]), ([5, 3, 4], 103.0));
        let corner = |grid: &Grid, at: [f64; 3]| grid.world_mm(DVec3::from_array(at));
        assert!(corner(part.grid(), [0.0; 3]).distance(corner(&grid, [3.0, 2.0, 1.0])) < 1e-9);
        let back = region.put(&part, &grid);
        let inside =
            |i: usize| (3..8).contains(&(i % 10)) && (2..5).contains(&(i / 10 % 8)) && (1..5).contains(&(i / 80));
        for (i, value) in back.values().iter().enumerate() {
            assert_eq!(*value, if inside(i) { i as f32 } else { 0.0 }, "{i}");
        }
    }
}
