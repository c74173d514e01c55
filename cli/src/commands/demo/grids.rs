//! What the demo does to volumes on the host: averaging, cutting and changing units.

use glam::DVec3;
use kerma::{
    data::{DataError, Grid, Unit, Volume},
    tasks::WATER_PER_MM,
};

/// CT number of air, below which nothing is real.
const AIR_HU: f32 = -1000.0;

/// Attenuation coefficients in mm⁻¹ from CT numbers; what lies below air, as padding does, becomes nothing at all.
pub(super) fn attenuation(hounsfield: f32) -> f32 {
    (hounsfield.max(AIR_HU) - AIR_HU) * (WATER_PER_MM / -AIR_HU)
}

/// CT numbers of a volume in mm⁻¹.
pub(super) fn hounsfield(volume: &Volume) -> Result<Volume, DataError> {
    let values = volume.values().iter().map(|mu| (mu / WATER_PER_MM - 1.0) * -AIR_HU).collect();
    Volume::new(*volume.grid(), Unit::Hounsfield, values)
}

/// How many voxels along each axis may be averaged into one that is no longer than `voxel_mm`.
pub(super) fn averaging(grid: &Grid, voxel_mm: f64) -> [usize; 3] {
    let (size, spacing) = (grid.size(), grid.spacing_mm());
    // A hair of slack, for spacings that file formats round.
    [0, 1, 2].map(|axis| ((voxel_mm / spacing[axis] + 1e-3) as usize).clamp(1, size[axis]))
}

/// Means of `value` over blocks of voxels, on a grid whose centre is the origin.
///
/// Voxels that do not fill a block at the far end of an axis are left out.
pub(super) fn averaged(
    volume: &Volume,
    block: [usize; 3],
    unit: Unit,
    value: impl Fn(f32) -> f32,
) -> Result<Volume, DataError> {
    let (grid, values) = (volume.grid(), volume.values());
    let [nx, ny, _] = grid.size();
    let size = [0, 1, 2].map(|axis| grid.size()[axis] / block[axis]);
    let spacing_mm = (grid.spacing_mm() * DVec3::from_array(block.map(|n| n as f64))).to_array();
    let grid = Grid::new(size, spacing_mm, [0.0; 3], grid.orientation())?.with_centre(DVec3::ZERO);
    let scale = 1.0 / block.iter().product::<usize>() as f32;
    let mut means = vec![0.0; grid.voxel_count()];
    for (line, row) in means.chunks_exact_mut(size[0]).enumerate() {
        let (y, z) = (line % size[1] * block[1], line / size[1] * block[2]);
        for from in (z..z + block[2]).flat_map(|z| (y..y + block[1]).map(move |y| (z * ny + y) * nx)) {
            for (mean, block) in row.iter_mut().zip(values[from..].chunks_exact(block[0])) {
                *mean += block.iter().map(|v| value(*v)).sum::<f32>();
            }
        }
        row.iter_mut().for_each(|mean| *mean *= scale);
    }
    Volume::new(grid, unit, means)
}

/// The slices across the body whose centres lie within `half_height_mm` of the isocentre; at least one.
pub(super) fn slab(volume: &Volume, half_height_mm: f64) -> Result<Volume, DataError> {
    let (grid, size) = (volume.grid(), volume.grid().size());
    let up = (1..3).fold(0, |best, axis| {
        let lean = |axis: usize| grid.orientation().col(axis).z.abs();
        if lean(axis) > lean(best) { axis } else { best }
    });
    let (middle, reach) = (grid.index_of(DVec3::ZERO)[up], half_height_mm / grid.spacing_mm()[up]);
    // A hair of slack, so that a slice at the very height counts; numbers below zero become zero.
    let first = ((middle - reach - 1e-6).ceil() as usize).min(size[up] - 1);
    let kept = first..((middle + reach + 1e-6) as usize + 1).clamp(first + 1, size[up]);
    let (mut first, mut new_size) = (DVec3::ZERO, size);
    (first[up], new_size[up]) = (kept.start as f64, kept.len());
    let origin_mm = grid.world_mm(first).to_array();
    let new_grid = Grid::new(new_size, grid.spacing_mm().to_array(), origin_mm, grid.orientation())?;

    // Along `up` the volume is a run of `count` blocks of size[up] planes of `stride` values.
    let stride: usize = size[..up].iter().product();
    let planes = volume.values().chunks_exact(stride * size[up]);
    let values = planes.flat_map(|block| &block[kept.start * stride..kept.end * stride]).copied().collect();
    Volume::new(new_grid, volume.unit(), values)
}

/// Half the lengths of the box along the world axes that holds a grid centred on the origin.
pub(super) fn half_extent_mm(grid: &Grid) -> DVec3 {
    let turn = grid.orientation();
    (0..3).map(|axis| turn.col(axis).abs() * grid.extent_mm()[axis] / 2.0).sum()
}

#[cfg(test)]
mod tests {
    use glam::DMat3;

    use super::*;

    fn counted(size: [usize; 3], orientation: DMat3) -> Volume {
        let grid = Grid::new(size, [1.0, 2.0, 3.0], [5.0, 6.0, 7.0], orientation).unwrap();
        let values = (0..grid.voxel_count()).map(|n| n as f32).collect();
        Volume::new(grid, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn blocks_are_averaged_and_the_rest_is_left_out() {
        let volume = averaged(&counted([5, 2, 2], DMat3::IDENTITY), [2, 2, 1], Unit::Hounsfield, |v| v).unwrap();
        assert_eq!(volume.grid().size(), [2, 1, 2]);
        assert_eq!(volume.values(), [3.0, 5.0, 13.0, 15.0]);
        assert_eq!(volume.grid().spacing_mm(), DVec3::new(2.0, 4.0, 3.0));
        assert_eq!(volume.grid().centre_mm(), DVec3::ZERO);
    }

    #[test]
    fn voxels_are_averaged_up_to_the_length_asked_for() {
        let grid = Grid::centred([512, 512, 133], [0.703_125, 0.703_125, 2.5]).unwrap();
        assert_eq!(averaging(&grid, 1.5), [2, 2, 1]);
        assert_eq!(averaging(&grid, 3.0), [4, 4, 1]);
    }

    #[test]
    fn padding_is_air_and_water_is_water() {
        assert_eq!([-2048.0, -1000.0, 0.0].map(attenuation), [0.0, 0.0, WATER_PER_MM]);
        let grid = Grid::centred([2, 1, 1], [1.0; 3]).unwrap();
        let volume = Volume::new(grid, Unit::PerMillimetre, vec![0.0, WATER_PER_MM]).unwrap();
        assert_eq!(hounsfield(&volume).unwrap().values(), [-1000.0, 0.0]);
    }

    #[test]
    fn slab_is_cut_across_the_body_whatever_the_order_of_axes() {
        // Voxel axes x, y, z lie along world z, x, y.
        let turned = DMat3::from_cols(DVec3::Z, DVec3::X, DVec3::Y);
        for (orientation, up) in [(DMat3::IDENTITY, 2), (turned, 0)] {
            let volume = counted([7, 7, 7], orientation);
            let centred = volume.grid().with_centre(DVec3::ZERO);
            let volume = volume.with_grid(centred).unwrap();
            let spacing = centred.spacing_mm()[up];
            let cut = slab(&volume, 1.5 * spacing).unwrap();
            let mut size = [7; 3];
            size[up] = 3;
            assert_eq!(cut.grid().size(), size);
            assert!(cut.grid().centre_mm().length() < 1e-12);
            assert_eq!(cut.values()[0], if up == 2 { 98.0 } else { 2.0 });
        }
    }

    #[test]
    fn half_extent_follows_the_axes() {
        let turned = Grid::new([2, 4, 6], [1.0; 3], [0.0; 3], DMat3::from_cols(DVec3::Z, -DVec3::X, DVec3::Y)).unwrap();
        assert_eq!(half_extent_mm(&turned), DVec3::new(2.0, 3.0, 1.0));
    }
}
