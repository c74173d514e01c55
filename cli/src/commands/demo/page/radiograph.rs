use crate::{
    commands::demo::{
        Results,
        radiograph::{SCAN_STAGE, SDD_MM},
    },
    report::{Figure, Panel, Section, significant},
};

use super::{detector, effort};

/// The radiograph and how it was taken.
pub(super) fn section(results: &Results) -> Section {
    let shot = &results.shot;
    let acquisition = &shot.acquisition;
    let signal = shot.signal.values();
    let least = signal.iter().copied().fold(f32::INFINITY, f32::min);
    let text = format!(
        "Posterior–anterior at {SDD_MM} mm on {}: one ray per pixel, traced voxel by voxel after Siddon ({}). Behind the \
         densest part the detector receives {} % of the open beam.",
        detector(acquisition),
        effort(results, acquisition, SCAN_STAGE),
        significant(f64::from(least) * 100.0, 2)
    );
    let picture = Panel::grey("Radiograph, PA", shot.picture.clone(), shot.window);
    Section::new("Chest radiograph").text(text).figure(
        Figure::new(
            "The radiograph as it is read, bones white: the patient's right on the left, the heart towards the right of the \
             picture. Shown are line integrals, the negative logarithm of the detector's signal.",
        )
        .panel(picture.alt("Posterior–anterior chest radiograph"))
        .panel(Panel::scanner("How it was taken", &acquisition.geometry, Some(results.scene.volume.grid()))),
    )
}
