use kerma::{
    data::{Grid, Volume},
    geometry::{TomosynthesisLinear, Travel},
    kernels::fdk::ramp,
    tasks::FdkOptions,
};

use super::{
    acquisition::Acquisition,
    radiograph::{FIELD_MM, SDD_MM, source_isocentre_mm},
    sampling::Sampling,
    scene::Scene,
};
use crate::{context::Context, failure::Failure};

/// Names of the stages in the account.
pub(super) const SCAN_STAGE: &str = "tomosynthesis sweep";
pub(super) const FDK_STAGE: &str = "tomosynthesis FDK";
/// Angle that the source's way subtends at the isocentre: ±15°.
pub(super) const SWEEP_DEG: f64 = 30.0;
/// The filter: slices of so short an arc are read for edges, and a smooth one keeps ringing down. The body goes on
/// beyond the panel.
const FILTER: FdkOptions = FdkOptions { window: ramp::Window::Hann, cutoff: 1.0, margin: 0.25, slice_mm: None };
/// Depths shown, in millimetres from the isocentre, posterior first.
pub(super) const DEPTHS_MM: [f64; 4] = [-60.0, -20.0, 20.0, 60.0];

/// A linear chest tomosynthesis and its slices.
pub(super) struct Tomosynthesis {
    pub(super) acquisition: Acquisition,
    /// Contrasts in mm⁻¹, coronal slices far apart and fine within.
    pub(super) result: Volume,
}

impl Tomosynthesis {
    /// Sweeps the source from feet to head before a detector that stands still, and reconstructs.
    pub(super) fn take(context: &mut Context, scene: &Scene, sampling: &Sampling) -> Result<Self, Failure> {
        let pixels = sampling.tomosynthesis_pixels;
        let sid_mm = source_isocentre_mm(scene);
        let scan = TomosynthesisLinear {
            source_isocentre_mm: sid_mm,
            source_detector_mm: SDD_MM,
            sweep_deg: SWEEP_DEG,
            views: sampling.tomosynthesis_views,
            travel: Travel::Z,
            detector_moves: false,
            detector: [pixels; 2],
            pitch_mm: [FIELD_MM / pixels as f64; 2],
            offset_mm: [0.0; 2],
        };
        let acquisition = Acquisition::take(context, SCAN_STAGE, &scene.volume, scan.into())?;

        let voxel_mm = sampling.tomosynthesis_voxel_mm;
        // What lies on no ray to the panel cannot be reconstructed.
        let seen_mm = FIELD_MM * sid_mm / SDD_MM;
        let box_mm = (scene.half_extent_mm() * 2.0).to_array();
        let length_mm = [box_mm[0].min(seen_mm), box_mm[1], box_mm[2].min(seen_mm)];
        let size = [0, 1, 2].map(|axis| (length_mm[axis] / voxel_mm[axis]).ceil() as usize);
        let grid = Grid::centred(size, voxel_mm)?;
        let result = acquisition.reconstruct(context, FDK_STAGE, &grid, FILTER)?;
        Ok(Self { acquisition, result })
    }
}
