//! The report: one chapter per scan and one for the enhancement, then physics where it is asked for, accuracy, time, remarks and files.

mod accuracy;
mod cone_beam;
mod enhancement;
#[cfg(feature = "nn")]
mod low_dose;
mod physics;
mod radiograph;
mod remarks;
mod tomosynthesis;

use kerma::data::Grid;

use super::{
    Results,
    acquisition::Acquisition,
    grids::hounsfield,
    views::{FOCUS_MM, wide},
};
use crate::{
    failure::Failure,
    report::{Figure, Panel, Report, Section, Table, bytes, seconds, significant},
    summary,
};

/// The whole page.
pub(super) fn report(results: &Results, account: &summary::Summary, self_test: String) -> Result<Report, Failure> {
    let lead = format!(
        "Everything below was computed from {}: a chest radiograph and its enhancement, a cone-beam CT and a chest \
         tomosynthesis, by exact ray tracing and filtered back-projection.",
        results.scene.name
    );
    let report = Report::new("X-raying a chest with kerma", lead)
        .summary(account.for_page(self_test))
        .section(scene(results)?)
        .section(radiograph::section(results))
        .section(enhancement::section(results));
    #[cfg(feature = "nn")]
    let report = report.section(low_dose::section(results));
    let mut report = report.section(cone_beam::section(results)?).section(tomosynthesis::section(results));
    if let Some(physics) = &results.physics {
        report = report.section(physics::section(results, physics)?);
    }
    Ok(report
        .section(accuracy::section(results))
        .section(Section::new("Time").table(Table::timing("Seconds of each stage", results.stages.iter().cloned())))
        .section(remarks::keep_in_mind(results))
        .section(remarks::files(results.physics.is_some())))
}

fn scene(results: &Results) -> Result<Section, Failure> {
    let scene = &results.scene;
    let planes = Panel::planes(&hounsfield(&scene.volume)?, FOCUS_MM, wide());
    let [x, y, z] = FOCUS_MM.to_array().map(|mm| significant(mm, 3));
    let caption = format!("Axial, coronal and sagittal slices through ({x}, {y}, {z}) mm, in radiological convention.");
    Ok(Section::new("What is X-rayed").text(scene.remarks.join(" ")).figure(Figure::new(caption).panels(planes)))
}

/// Number and size of a grid's voxels, for people.
pub(super) fn voxels(grid: &Grid) -> String {
    let [x, y, z] = grid.size();
    let [dx, dy, dz] = grid.spacing_mm().to_array().map(|mm| significant(mm, 4));
    format!("{x} × {y} × {z} voxels of {dx} × {dy} × {dz} mm")
}

/// A scan's detector, for people.
fn detector(acquisition: &Acquisition) -> String {
    let [columns, rows] = acquisition.geometry.detector();
    let pitch = significant(acquisition.geometry.pitch_mm()[0], 3);
    format!("{columns} × {rows} pixels of {pitch} mm")
}

/// Rays of a scan, what their values take, and the seconds they took.
fn effort(results: &Results, acquisition: &Acquisition, stage: &str) -> String {
    let rays = acquisition.geometry.value_count();
    let (count, size) = (significant(rays as f64 * 1e-6, 3), bytes((rays * size_of::<f32>()) as u64));
    format!("{count} million rays, {size} of line integrals, in {}", seconds(stage_seconds(results, stage)))
}

fn stage_seconds(results: &Results, stage: &str) -> f64 {
    results.stages.iter().filter(|(name, _)| *name == stage).map(|(_, seconds)| seconds).sum()
}
