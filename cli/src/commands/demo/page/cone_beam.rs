use glam::DVec3;
use kerma::data::Volume;

use crate::{
    commands::demo::{
        Results,
        accuracy::difference,
        cone_beam::{ConeBeam, FDK_STAGE, FILTER, SCAN_STAGE},
        grids::half_extent_mm,
        views::{ERROR_HU, FOCUS_MM, PROJECTION_TAIL, soft, wide},
    },
    failure::Failure,
    pictures::{Plane, Slice, Window, profile},
    report::{Chart, Figure, Panel, Section, seconds, significant},
};

use super::{detector, effort, stage_seconds, voxels};

/// Samples of a profile.
const PROFILE_SAMPLES: usize = 400;

/// The scan, its reconstruction and its errors.
pub(super) fn section(results: &Results) -> Result<Section, Failure> {
    let scan = &results.cone_beam;
    let text = format!(
        "{} views on a full circle, {} ({}). Reconstructed after Feldkamp, Davis and Kress with a {:?} window in {}: {}, the \
         {} mm of the body that every view sees. Voxels outside the circle that every view sees are set to air.",
        scan.acquisition.geometry.views().len(),
        detector(&scan.acquisition),
        effort(results, &scan.acquisition, SCAN_STAGE),
        FILTER.window,
        seconds(stage_seconds(results, FDK_STAGE)),
        voxels(scan.result.grid()),
        significant(2.0 * scan.half_height_mm, 3),
    );
    let errors = difference(&scan.result, &scan.reference)?;
    let error = |plane: Plane| Panel::errors(plane.name(), Slice::of_volume(&errors, plane, FOCUS_MM), ERROR_HU);
    let axial = |volume: &Volume| Slice::of_volume(volume, Plane::Axial, FOCUS_MM);
    let chart = Chart::new("mm from the isocentre towards the patient's left", "HU")
        .line("what went in", across(scan, &scan.reference))
        .line("reconstruction", across(scan, &scan.result));
    Ok(Section::new("Cone-beam CT")
        .text(text)
        .figure(taken(results))
        .figure(projections(scan))
        .figure(Figure::new("Reconstruction: the same planes as above.").panels(planes(&scan.result, scan)))
        .figure(Figure::new("What went in, on the same voxels.").panels(planes(&scan.reference, scan)))
        .figure(
            Figure::new(
                "Reconstruction minus what went in. Pairs of lines along edges are the scan's limited resolution; broad \
                 shades and streaks are cone-beam and sampling artefacts.",
            )
            .panels(Plane::ALL.map(error)),
        )
        .figure(
            Figure::new("The axial slice in a window for soft tissue, where artefacts cannot hide.")
                .panel(Panel::grey("Reconstruction", axial(&scan.result), soft()))
                .panel(Panel::grey("What went in", axial(&scan.reference), soft())),
        )
        .figure(
            Figure::new("Profile from the patient's right to the left along the dashed line of the slices.")
                .panel(Panel::chart("Profile", chart)),
        ))
}

/// How the scan was taken and what the middle row saw.
fn taken(results: &Results) -> Figure {
    let acquisition = &results.cone_beam.acquisition;
    let sinogram = Slice::sinogram(&acquisition.integrals, acquisition.geometry.detector()[1] / 2).map(|slice| {
        let window = Window::covering(&slice, PROJECTION_TAIL);
        Panel::grey("Sinogram", slice, window)
    });
    Figure::new("The scan from above, and its sinogram: the line integrals of one detector row, first view on top.")
        .panel(Panel::scanner("How it was taken", &acquisition.geometry, Some(results.scene.volume.grid())))
        .panels(sinogram)
}

/// Three of the views.
fn projections(scan: &ConeBeam) -> Figure {
    let acquisition = &scan.acquisition;
    let count = acquisition.geometry.views().len();
    let view = |(title, index): (&str, usize)| {
        let slice = Slice::of_view(&acquisition.integrals, &acquisition.geometry, index)?;
        let window = Window::covering(&slice, PROJECTION_TAIL);
        Some(Panel::grey(title, slice, window))
    };
    let chosen = [("0°, from behind", 0), ("45°", count / 8), ("90°, from the right side", count / 4)];
    Figure::new("Three of the views, as line integrals.").panels(chosen.into_iter().filter_map(view))
}

/// Ends of the profile: from the patient's right to the left through the focus.
fn ends(scan: &ConeBeam) -> [DVec3; 2] {
    let half = half_extent_mm(scan.result.grid()).x;
    [half, -half].map(|x| DVec3::new(x, FOCUS_MM.y, FOCUS_MM.z))
}

/// Profile over the distance from the isocentre towards the patient's left.
fn across(scan: &ConeBeam, volume: &Volume) -> Vec<[f64; 2]> {
    let [from, to] = ends(scan);
    profile(volume, from, to, PROFILE_SAMPLES).into_iter().map(|[distance, value]| [distance - from.x, value]).collect()
}

/// The three planes with the profile's line where it lies in them.
fn planes(volume: &Volume, scan: &ConeBeam) -> Vec<Panel> {
    let [from, to] = ends(scan);
    let panel = |(panel, plane): (Panel, Plane)| if plane == Plane::Sagittal { panel } else { panel.line_mm(from, to) };
    Panel::planes(volume, FOCUS_MM, wide()).into_iter().zip(Plane::ALL).map(panel).collect()
}
