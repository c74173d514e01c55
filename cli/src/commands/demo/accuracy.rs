//! How far results are from what went in.

use kerma::{
    data::{DataError, Projections, Volume},
    geometry::Geometry,
    phantom::Phantom,
};

use super::acquisition::Acquisition;
use crate::failure::Failure;

/// A kind of tissue by its CT numbers.
struct Region {
    name: &'static str,
    hounsfield: [f32; 2],
}

/// Regions wide enough for the tissue's own spread and narrow enough to keep others out.
const REGIONS: [Region; 2] =
    [Region { name: "soft tissue", hounsfield: [0.0, 100.0] }, Region { name: "lung", hounsfield: [-950.0, -650.0] }];
/// Distance from any other tissue along the axes, in voxels, that keeps blurred edges out of the comparison.
const INSET: usize = 2;
/// Rays that lose less than this have missed the body.
const BODY_INTEGRAL: f32 = 0.05;

/// How a reconstruction differs from its reference within one tissue.
pub(super) struct Deviation {
    /// The tissue.
    pub(super) region: &'static str,
    /// Voxels compared.
    pub(super) voxel_count: usize,
    /// Mean of the reference, in HU.
    pub(super) reference_hu: f64,
    /// Mean difference, in HU.
    pub(super) bias_hu: f64,
    /// Root mean square difference, in HU.
    pub(super) rmse_hu: f64,
}

/// Compares two volumes on one grid, both in HU, tissue by tissue; tissues that do not occur are left out.
pub(super) fn deviations(reference: &Volume, result: &Volume) -> Vec<Deviation> {
    REGIONS.iter().filter_map(|region| deviation(region, reference, result)).collect()
}

fn deviation(region: &Region, reference: &Volume, result: &Volume) -> Option<Deviation> {
    let [nx, ny, nz] = reference.grid().size();
    let (truth, values) = (reference.values(), result.values());
    let belongs = |at: usize| (region.hounsfield[0]..=region.hounsfield[1]).contains(&truth[at]);
    let strides = [1, nx, nx * ny];
    let inside = |n: usize| INSET..n.saturating_sub(INSET);
    let (mut count, mut sums) = (0_usize, [0.0_f64; 3]);
    for z in inside(nz) {
        for y in inside(ny) {
            for at in inside(nx).map(|x| (z * ny + y) * nx + x) {
                let all = |stride: usize| (1..=INSET).all(|n| belongs(at - n * stride) && belongs(at + n * stride));
                if belongs(at) && strides.into_iter().all(all) {
                    let difference = f64::from(values[at]) - f64::from(truth[at]);
                    count += 1;
                    sums = [sums[0] + f64::from(truth[at]), sums[1] + difference, sums[2] + difference * difference];
                }
            }
        }
    }
    let [reference_hu, bias_hu, square] = sums.map(|sum| sum / count as f64);
    (count > 0).then(|| Deviation {
        region: region.name,
        voxel_count: count,
        reference_hu,
        bias_hu,
        rmse_hu: square.sqrt(),
    })
}

/// How Siddon's line integrals through the voxels differ from the phantom's own.
pub(super) struct ProjectionError {
    /// Views compared.
    pub(super) view_count: usize,
    /// Mean of the exact line integrals of rays that meet the body.
    pub(super) mean: f64,
    /// Mean difference over the mean.
    pub(super) relative_bias: f64,
    /// Root mean square difference over the mean.
    pub(super) relative_rms: f64,
    /// The first of the compared views, computed in closed form.
    pub(super) exact: Projections,
    /// Its place.
    pub(super) geometry: Geometry,
}

/// Compares `view_count` evenly spread views with the phantom's closed form.
pub(super) fn projection_error(
    phantom: &Phantom,
    acquisition: &Acquisition,
    view_count: usize,
) -> Result<ProjectionError, Failure> {
    let (views, detector) = (acquisition.geometry.views(), acquisition.geometry.detector());
    let chosen: Vec<usize> = (0..view_count.min(views.len())).map(|n| n * views.len() / view_count).collect();
    let geometry = Geometry::new(detector, chosen.iter().map(|view| views[*view]).collect())?;
    let exact = phantom.project(&geometry)?;
    let measured = chosen.iter().flat_map(|view| acquisition.integrals.view_values(*view));
    let (mut count, mut sums) = (0_usize, [0.0_f64; 3]);
    for (exact, measured) in exact.values().iter().zip(measured).filter(|(exact, _)| **exact > BODY_INTEGRAL) {
        let difference = f64::from(*measured) - f64::from(*exact);
        count += 1;
        sums = [sums[0] + f64::from(*exact), sums[1] + difference, sums[2] + difference * difference];
    }
    let [mean, bias, square] = sums.map(|sum| sum / count.max(1) as f64);
    let [relative_bias, relative_rms] = [bias, square.sqrt()].map(|error| error / mean.max(f64::MIN_POSITIVE));
    Ok(ProjectionError { view_count: chosen.len(), mean, relative_bias, relative_rms, exact, geometry })
}

/// A reconstruction minus its reference.
pub(super) fn difference(result: &Volume, reference: &Volume) -> Result<Volume, DataError> {
    let values = result.values().iter().zip(reference.values()).map(|(a, b)| a - b).collect();
    Volume::new(*result.grid(), result.unit(), values)
}

#[cfg(test)]
mod tests {
    use kerma::data::{Grid, Unit};

    use super::*;

    #[test]
    fn only_voxels_well_inside_a_tissue_count() {
        let grid = Grid::centred([7, 7, 7], [1.0; 3]).unwrap();
        let mut reference = Volume::new(grid, Unit::Hounsfield, vec![50.0; 343]).unwrap();
        let mut result = reference.clone();
        result.values_mut().iter_mut().for_each(|v| *v += 3.0);
        let [soft] = &deviations(&reference, &result)[..] else { panic!("one tissue") };
        assert_eq!((soft.region, soft.voxel_count, soft.bias_hu, soft.rmse_hu), ("soft tissue", 27, 3.0, 3.0));
        // Bone at the centre excludes the 13 voxels within two steps along the axes that could count.
        reference.values_mut()[171] = 1000.0;
        assert_eq!(deviations(&reference, &result)[0].voxel_count, 27 - 7);
    }
}
