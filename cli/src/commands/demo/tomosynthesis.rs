use std::f64::consts::FRAC_PI_2;

use kerma::{
    data::{DataError, Grid, Projections, Volume},
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
/// The filter: slices of so short an arc are read for edges, and a smooth one keeps ringing down.
const FILTER: FdkOptions = FdkOptions { window: ramp::Window::Hann, cutoff: 1.0 };
/// The panel's height over that of each of its continuations.
const FADE_SHARE: usize = 4;
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
        let acquisition = Acquisition::take(context, SCAN_STAGE, &scene.volume, scan.clone().into())?;

        let voxel_mm = sampling.tomosynthesis_voxel_mm;
        // What lies on no ray to the panel cannot be reconstructed.
        let seen_mm = FIELD_MM * sid_mm / SDD_MM;
        let box_mm = (scene.half_extent_mm() * 2.0).to_array();
        let length_mm = [box_mm[0].min(seen_mm), box_mm[1], box_mm[2].min(seen_mm)];
        let size = [0, 1, 2].map(|axis| (length_mm[axis] / voxel_mm[axis]).ceil() as usize);
        let grid = Grid::centred(size, voxel_mm)?;
        let fade = pixels / FADE_SHARE;
        let longer = TomosynthesisLinear { detector: [pixels, pixels + 2 * fade], ..scan };
        let faded = Acquisition::new(longer.into(), continued(&acquisition.integrals, fade)?)?;
        let result = faded.reconstruct(context, FDK_STAGE, &grid, FILTER)?;
        Ok(Self { acquisition, result })
    }
}

/// Continues every column of every view by `count` rows at either end, with the edge's value fading to nothing.
///
/// ```text
/// p(edge ± n) = p(edge) · cos²(π/2 · n/(count + 1))
/// ```
/// The body goes on beyond the panel. A ramp filter would take the edge for the body's own and put a bright band there.
fn continued(integrals: &Projections, count: usize) -> Result<Projections, DataError> {
    let [columns, rows] = integrals.detector();
    let fade = |n: usize| ((n as f64 / (count + 1) as f64 * FRAC_PI_2).cos().powi(2)) as f32;
    let mut values = Vec::with_capacity(integrals.views() * columns * (rows + 2 * count));
    for view in 0..integrals.views() {
        let measured = integrals.view_values(view);
        let (first, last) = (&measured[..columns], &measured[(rows - 1) * columns..]);
        values.extend((1..=count).rev().flat_map(|n| first.iter().map(move |p| p * fade(n))));
        values.extend_from_slice(measured);
        values.extend((1..=count).flat_map(|n| last.iter().map(move |p| p * fade(n))));
    }
    let detector = [columns, rows + 2 * count];
    Projections::new(integrals.views(), detector, integrals.pitch_mm(), integrals.unit(), values)
}

#[cfg(test)]
mod tests {
    use kerma::data::Unit;

    use super::*;

    #[test]
    fn columns_go_on_and_fade() {
        let values = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let stack = Projections::new(2, [2, 2], [1.0; 2], Unit::LineIntegral, values).unwrap();
        let longer = continued(&stack, 1).unwrap();
        assert_eq!(longer.detector(), [2, 4]);
        let expected = [0.5, 1.0, 1.0, 2.0, 3.0, 4.0, 1.5, 2.0, 2.5, 3.0, 5.0, 6.0, 7.0, 8.0, 3.5, 4.0];
        assert!(longer.values().iter().zip(expected).all(|(got, want)| (got - want).abs() < 1e-6));
    }
}
