use glam::DVec3;
use kerma::{data::Volume, geometry::ConeCircular, kernels::fdk::ramp, tasks::FdkOptions};

use super::{
    acquisition::Acquisition,
    grids::{hounsfield, slab},
    sampling::Sampling,
    scene::Scene,
};
use crate::{context::Context, failure::Failure};

/// Names of the stages in the account.
pub(super) const SCAN_STAGE: &str = "cone-beam scan";
pub(super) const FDK_STAGE: &str = "cone-beam FDK";
/// Source to isocentre and to detector, as on an angiography or a linear accelerator's arm.
const SID_MM: f64 = 1000.0;
const SDD_MM: f64 = 1500.0;
/// Air that the detector sees on either side of the body.
const MARGIN_MM: f64 = 8.0;
/// Bodies as wide as this no detector at this distance takes in; the scan is then truncated, and says so.
const MAX_RADIUS_MM: f64 = 320.0;
/// Pitches are multiples of this.
const PITCH_STEP_MM: f64 = 0.05;
/// The filter: little enough smoothing to keep edges, enough to hold the noise of the highest frequencies.
pub(super) const FILTER: FdkOptions =
    FdkOptions { window: ramp::Window::Hann, cutoff: 1.0, margin: 0.0, slice_mm: None };

/// A circular cone-beam scan and what was made of it.
pub(super) struct ConeBeam {
    pub(super) acquisition: Acquisition,
    /// The part of the scene that every view sees, in HU.
    pub(super) reference: Volume,
    /// Its reconstruction on the same grid, in HU.
    pub(super) result: Volume,
    /// Radius of the circle that every view sees, in millimetres.
    pub(super) radius_mm: f64,
    /// Half the height that every view sees, in millimetres.
    pub(super) half_height_mm: f64,
    /// Whether the body reaches beyond the detector's sides.
    pub(super) truncated: bool,
}

impl ConeBeam {
    /// Scans the scene on a full circle and reconstructs it.
    pub(super) fn take(context: &mut Context, scene: &Scene, sampling: &Sampling) -> Result<Self, Failure> {
        let [columns, rows] = sampling.cone_beam_detector;
        let radius_mm = (scene.radius_mm + MARGIN_MM).min(MAX_RADIUS_MM);
        // The outermost ray touches the circle of the body: sin γ = R/SID, u = SDD·tan γ.
        let half_width_mm = SDD_MM * (radius_mm / SID_MM).asin().tan();
        let pitch_mm = (2.0 * half_width_mm / columns as f64 / PITCH_STEP_MM).ceil() * PITCH_STEP_MM;
        let scan = ConeCircular {
            source_isocentre_mm: SID_MM,
            source_detector_mm: SDD_MM,
            views: sampling.cone_beam_views,
            start_deg: 0.0,
            arc_deg: 360.0,
            angles_deg: Vec::new(),
            detector: [columns, rows],
            pitch_mm: [pitch_mm; 2],
            offset_mm: [0.0; 2],
            tilt_deg: [0.0; 3],
        };
        // Nearest to the source, at SID − R, the detector's height covers least.
        let half_height_mm = rows as f64 * pitch_mm / 2.0 * (SID_MM - radius_mm) / SDD_MM;
        let seen = slab(&scene.volume, half_height_mm)?;

        let acquisition = Acquisition::take(context, SCAN_STAGE, &scene.volume, scan.into())?;
        let mut result = acquisition.reconstruct(context, FDK_STAGE, seen.grid(), FILTER)?;
        clear_outside(&mut result, radius_mm);
        let result = hounsfield(&result)?;
        let truncated = scene.radius_mm + MARGIN_MM > MAX_RADIUS_MM;
        Ok(Self { acquisition, reference: hounsfield(&seen)?, result, radius_mm, half_height_mm, truncated })
    }
}

/// Sets what lies farther than `radius_mm` from the z axis to nothing: not every view sees it.
pub(super) fn clear_outside(volume: &mut Volume, radius_mm: f64) {
    let grid = *volume.grid();
    let [nx, ny, _] = grid.size();
    for (line, row) in volume.values_mut().chunks_exact_mut(nx).enumerate() {
        let (first, step) =
            (grid.world_mm(DVec3::new(0.0, (line % ny) as f64, (line / ny) as f64)), grid.spacing_mm().x);
        for (x, value) in row.iter_mut().enumerate() {
            let at = first + grid.orientation().x_axis * (x as f64 * step);
            if at.x.hypot(at.y) > radius_mm {
                *value = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kerma::data::{Grid, Unit};

    use super::*;

    #[test]
    fn only_the_circle_is_kept() {
        let grid = Grid::centred([5, 5, 1], [10.0; 3]).unwrap();
        let mut volume = Volume::new(grid, Unit::PerMillimetre, vec![1.0; 25]).unwrap();
        clear_outside(&mut volume, 15.0);
        assert_eq!(volume.values().iter().sum::<f32>(), 9.0);
        assert_eq!([6, 12, 18, 2].map(|n| volume.values()[n]), [1.0, 1.0, 1.0, 0.0]);
    }
}
