use kerma::{
    data::{Image, Projections, Sample, Unit},
    engine::{Extent, Graph},
    geometry::Radiograph,
    kernels::pointwise::transmission,
};

use super::{acquisition::Acquisition, sampling::Sampling, scene::Scene};
use crate::{
    context::Context,
    failure::Failure,
    pictures::{Slice, Window},
};

/// Name of the stage in the account.
pub(super) const SCAN_STAGE: &str = "radiograph";
/// Source to detector of a chest stand.
pub(super) const SDD_MM: f64 = 1800.0;
/// Side of the square detector: a 43 cm panel.
pub(super) const FIELD_MM: f64 = 432.0;
/// Room between the patient and the detector's plane.
const GAP_MM: f64 = 20.0;
/// Rays that lose less than this have missed the body; they take no part in choosing the window.
const BODY_INTEGRAL: f32 = 0.3;
/// Share of the body's pixels left black and white.
const TAILS: [f64; 2] = [0.06, 0.005];

/// A posterior–anterior chest radiograph.
pub(super) struct Shot {
    pub(super) acquisition: Acquisition,
    /// Signal relative to the open beam.
    pub(super) signal: Projections,
    /// Line integrals as they are looked at: upright, the patient's right on the left.
    pub(super) picture: Slice,
    /// Bone white.
    pub(super) window: Window,
}

/// Source to isocentre at a chest stand: the patient's front is a hand's breadth from the detector.
pub(super) fn source_isocentre_mm(scene: &Scene) -> f64 {
    (SDD_MM - GAP_MM - scene.half_extent_mm().y).round()
}

impl Shot {
    /// Takes the radiograph with the source behind the patient.
    pub(super) fn take(context: &mut Context, scene: &Scene, sampling: &Sampling) -> Result<Self, Failure> {
        let pixels = sampling.radiograph_pixels;
        let scan = Radiograph {
            source_isocentre_mm: source_isocentre_mm(scene),
            source_detector_mm: SDD_MM,
            start_deg: 0.0,
            detector: [pixels; 2],
            pitch_mm: [FIELD_MM / pixels as f64; 2],
            offset_mm: [0.0; 2],
            tilt_deg: [0.0; 3],
        };
        let acquisition = Acquisition::take(context, SCAN_STAGE, &scene.volume, scan.into())?;
        let signal = expose(context, &acquisition.integrals)?;
        let picture = Slice::of_view(&acquisition.integrals, &acquisition.geometry, 0)
            .ok_or_else(|| Failure::input("the radiograph has no view"))?;
        let window = body_window(picture.values());
        Ok(Self { acquisition, signal, picture, window })
    }

    /// The picture in 16 bits, black to white, with the detector's spacing.
    pub(super) fn image(&self) -> Result<Image, Failure> {
        self.developed(&self.picture)
    }

    /// Other line integrals of the same view as [`Self::image`] shows the radiograph's.
    pub(super) fn developed(&self, picture: &Slice) -> Result<Image, Failure> {
        developed(picture, self.window)
    }

    /// The line integrals behind the picture.
    pub(super) fn integrals(&self) -> Result<Image, Failure> {
        integrals(&self.picture)
    }
}

/// The line integrals behind a picture.
pub(super) fn integrals(picture: &Slice) -> Result<Image, Failure> {
    let values = picture.values().to_vec();
    Ok(Image::new(picture.size(), picture.pixel_mm(), Sample::Float, Unit::LineIntegral, values)?)
}

/// A picture in 16 bits, black to white, with its spacing.
pub(super) fn developed(picture: &Slice, window: Window) -> Result<Image, Failure> {
    let white = f32::from(u16::MAX);
    let values = picture.values().iter().map(|v| (window.brightness(*v) * white).round()).collect();
    let sample = Sample::Unsigned { bits: 16 };
    Ok(Image::new(picture.size(), picture.pixel_mm(), sample, Unit::Arbitrary, values)?)
}

/// The detector's signal behind line integrals.
fn expose(context: &mut Context, integrals: &Projections) -> Result<Projections, Failure> {
    let [columns, rows] = integrals.detector();
    let mut graph = Graph::new();
    let extent = Extent::new(integrals.views(), rows, columns);
    let uploaded = graph.upload("radiograph.integrals", extent, integrals.values());
    let signal = transmission::record(&mut graph, uploaded);
    let output = graph.result(signal);
    let values = context.run("exposure", &graph)?.take(output)?;
    Ok(Projections::new(integrals.views(), [columns, rows], integrals.pitch_mm(), Unit::Transmission, values)?)
}

/// Window over the body's pixels but for their tails.
pub(super) fn body_window(integrals: &[f32]) -> Window {
    let mut body: Vec<f32> = integrals.iter().copied().filter(|p| *p > BODY_INTEGRAL).collect();
    let Some(last) = body.len().checked_sub(1) else { return Window::new(0.0, 1.0) };
    let mut at = |share: f64| *body.select_nth_unstable_by((share * last as f64) as usize, f32::total_cmp).1;
    Window::new(at(TAILS[0]), at(1.0 - TAILS[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_spans_the_body_and_not_the_open_beam() {
        let body = (0..1000).map(|n| 1.0 + n as f32 / 1000.0);
        let window = body_window(&body.chain([0.0; 5000]).collect::<Vec<_>>());
        assert!((window.black - 1.06).abs() < 2e-3 && (window.white - 1.995).abs() < 2e-3, "{window:?}");
        assert_eq!(body_window(&[0.0; 4]), Window::new(0.0, 1.0));
    }
}
