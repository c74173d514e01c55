use glam::DVec3;

use super::BodyError;
use crate::{
    data::{Grid, Volume},
    parallel::*,
};

/// The same box in larger voxels of about `spacing_mm`: each is the mean of whole blocks of those given, and −1000 HU stands for what
/// the last blocks lack.
///
/// CT numbers are linear in attenuation, so that it stays on the whole. For photons that are scattered, which see no detail.
///
/// # Errors
/// [`BodyError`] unless the spacing is positive.
pub fn coarsen(ct: &Volume, spacing_mm: f64) -> Result<Volume, BodyError> {
    if !(spacing_mm > 0.0 && spacing_mm.is_finite()) {
        return Err(BodyError::value("the spacing of voxels", "positive", format!("{spacing_mm} mm")));
    }
    let grid = ct.grid();
    let size = grid.size();
    let block = grid.spacing_mm().to_array().map(|spacing| ((spacing_mm / spacing).round() as usize).max(1));
    let coarse: [usize; 3] = std::array::from_fn(|axis| size[axis].div_ceil(block[axis]));
    let block_mm = DVec3::from_array(block.map(|n| n as f64)) * grid.spacing_mm();
    let first = DVec3::from_array(block.map(|n| (n as f64 - 1.0) / 2.0));
    let grid = Grid::new(coarse, block_mm.to_array(), grid.world_mm(first).to_array(), grid.orientation())?;
    let [nx, ny, nz] = size;
    let [wide, high, _] = coarse;
    let voxels = block.iter().product::<usize>() as f64;
    let mut values = vec![0.0_f32; grid.voxel_count()];
    values.par_chunks_mut(wide * high).enumerate().for_each(|(k, slice)| {
        let mut sums = vec![0.0_f64; wide * high];
        for z in k * block[2]..((k + 1) * block[2]).min(nz) {
            for (y, line) in ct.values()[z * ny * nx..][..ny * nx].chunks_exact(nx).enumerate() {
                let sums = &mut sums[y / block[1] * wide..][..wide];
                for (sum, values) in sums.iter_mut().zip(line.chunks(block[0])) {
                    *sum += values.iter().map(|value| f64::from(*value) - NOTHING).sum::<f64>();
                }
            }
        }
        for (value, sum) in slice.iter_mut().zip(sums) {
            *value = (sum / voxels + NOTHING) as f32;
        }
    });
    Ok(Volume::new(grid, ct.unit(), values)?)
}

/// CT number of empty space.
const NOTHING: f64 = super::NOTHING_HU as f64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Unit;

    #[test]
    fn blocks_keep_the_mean_and_the_place() {
        let grid = Grid::centred([5, 4, 3], [1.0, 1.0, 2.5]).unwrap();
        let values: Vec<f32> = (0..60).map(|i| i as f32).collect();
        let ct = Volume::new(grid, Unit::Hounsfield, values).unwrap();
        let coarse = coarsen(&ct, 2.2).unwrap();
        assert_eq!(coarse.grid().size(), [3, 2, 3]);
        let corner = |volume: &Volume| volume.grid().world_mm(DVec3::splat(-0.5));
        assert!((corner(&coarse) - corner(&ct)).length() < 1e-12);
        assert_eq!(coarse.values()[0], (0.0 + 1.0 + 5.0 + 6.0) / 4.0);
        // The last column has one voxel of two.
        assert_eq!(coarse.values()[2], (4.0 + 9.0 - 2000.0) / 4.0);
        let attenuation = |volume: &Volume| -> f64 {
            let voxel = volume.grid().spacing_mm().element_product();
            volume.values().iter().map(|v| voxel * (f64::from(*v) + 1000.0)).sum()
        };
        assert!((attenuation(&coarse) / attenuation(&ct) - 1.0).abs() < 1e-6);
    }
}
