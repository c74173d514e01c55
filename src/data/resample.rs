use glam::{DMat3, DVec3};

use super::{DataError, Grid, Volume};
use crate::parallel::*;

impl Grid {
    /// The grid along the world axes with voxels of such a size that covers all voxels of this one.
    ///
    /// # Errors
    /// [`DataError`] when a spacing is not positive or there would be too many voxels.
    pub fn upright(&self, spacing_mm: [f64; 3]) -> Result<Self, DataError> {
        let spacing = DVec3::from_array(spacing_mm);
        let turn = self.orientation();
        let turn = DMat3::from_cols(turn.x_axis.abs(), turn.y_axis.abs(), turn.z_axis.abs());
        let size =
            (turn * self.extent_mm() / spacing).to_array().map(|n| (n - COVER_TOLERANCE).ceil().max(1.0) as usize);
        Ok(Self::centred(size, spacing_mm)?.with_centre(self.centre_mm()))
    }
}

/// Part of a voxel by which a grid may fall short of what it covers: rounding of file formats adds no plane.
const COVER_TOLERANCE: f64 = 0.01;

impl Volume {
    /// The volume on another grid by trilinear interpolation; beyond the outermost voxels' centres their values go on.
    ///
    /// # Errors
    /// None but [`DataError::Length`], which does not come up.
    pub fn resampled(&self, grid: &Grid) -> Result<Self, DataError> {
        let [nx, ny, nz] = grid.size();
        let size = self.grid().size();
        let at = |place: [usize; 3]| f64::from(self.values()[(place[2] * size[1] + place[1]) * size[0] + place[0]]);
        let value = |x: usize, y: usize, z: usize| {
            let index = self.grid().index_of(grid.world_mm(DVec3::new(x as f64, y as f64, z as f64))).to_array();
            let along = |axis: usize| {
                let place = index[axis].clamp(0.0, (size[axis] - 1) as f64);
                let low = (place as usize).min(size[axis].saturating_sub(2));
                (low, (low + 1).min(size[axis] - 1), place - low as f64)
            };
            let [x, y, z] = [0, 1, 2].map(along);
            let row = |y: usize, z: usize| at([x.0, y, z]) * (1.0 - x.2) + at([x.1, y, z]) * x.2;
            let plane = |z: usize| row(y.0, z) * (1.0 - y.2) + row(y.1, z) * y.2;
            (plane(z.0) * (1.0 - z.2) + plane(z.1) * z.2) as f32
        };
        let row = |row: usize| (0..nx).map(move |x| value(x, row % ny, row / ny));
        let values: Vec<f32> = (0..ny * nz).into_par_iter().flat_map_iter(row).collect();
        Self::new(*grid, self.unit(), values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Unit;

    fn ramp(grid: Grid) -> Volume {
        let [nx, ny, nz] = grid.size();
        let mut values = Vec::new();
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let at = grid.world_mm(DVec3::new(x as f64, y as f64, z as f64));
                    values.push((1.0 + at.x - 2.0 * at.y + 0.5 * at.z) as f32);
                }
            }
        }
        Volume::new(grid, Unit::Hounsfield, values).unwrap()
    }

    /// What is linear in space stays so, on finer, turned and moved grids; the control: nearest voxels do not.
    #[test]
    fn ramps_stay_ramps_on_every_grid_within() {
        let volume = ramp(Grid::centred([20, 24, 18], [2.0, 1.5, 3.0]).unwrap());
        let (sin, cos) = 0.3_f64.sin_cos();
        let turn = DMat3::from_cols(DVec3::new(cos, sin, 0.0), DVec3::new(-sin, cos, 0.0), DVec3::Z);
        for orientation in [DMat3::IDENTITY, turn] {
            let grid = Grid::new([9, 8, 7], [1.1, 1.2, 0.7], [-4.0, -5.0, 2.0], orientation).unwrap();
            let got = volume.resampled(&grid).unwrap();
            for (got, want) in got.values().iter().zip(ramp(grid).values()) {
                assert!((got - want).abs() < 1e-4, "{got} {want}");
            }
        }
        let same = volume.resampled(volume.grid()).unwrap();
        assert!(same.values().iter().zip(volume.values()).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn upright_grids_cover_turned_ones() {
        let side =
            Grid::new([10, 20, 30], [1.0, 2.0, 3.0], [5.0, 6.0, 7.0], DMat3::from_cols(DVec3::Z, DVec3::X, DVec3::Y));
        let side = side.unwrap();
        let upright = side.upright([2.0, 3.0, 1.0]).unwrap();
        // Voxel axes run along z, x, y: 10, 40, 90 mm.
        assert_eq!(upright.size(), [20, 30, 10]);
        assert!(upright.centre_mm().distance(side.centre_mm()) < 1e-9);
        let plain = Grid::centred([128, 64, 128], [3.0, 4.0, 3.0]).unwrap();
        assert_eq!(plain.upright([3.0, 4.0, 3.0]).unwrap(), plain);
    }
}
