use kerma::tasks::Redundancy;

use crate::{
    commands::demo::{
        Results,
        grids::attenuation,
        radiograph::FIELD_MM,
        tomosynthesis::{DEPTHS_MM, FDK_STAGE, SCAN_STAGE, SWEEP_DEG},
        views::{contrast, coronal, wide},
    },
    pictures::{Slice, Window},
    report::{Figure, Panel, Section, seconds, significant},
};

use super::{effort, stage_seconds, voxels};

/// The sweep, some of its views, and slices beside what went in.
pub(super) fn section(results: &Results) -> Section {
    let scan = &results.tomosynthesis;
    let acquisition = &scan.acquisition;
    let remark = Redundancy::LimitedArc.remark().unwrap_or_default();
    let text = format!(
        "{} views while the source travels from feet to head over {SWEEP_DEG}°, before a panel of {FIELD_MM} mm that stands \
         still ({}). Filtered along the travel and back-projected in {} into {}, the second being the depth. Note that {remark}.",
        acquisition.geometry.views().len(),
        effort(results, acquisition, SCAN_STAGE),
        seconds(stage_seconds(results, FDK_STAGE)),
        voxels(scan.result.grid()),
    );
    let truth = Window::new(attenuation(wide().black), attenuation(wide().white));
    let slices = DEPTHS_MM.map(|depth| {
        let slice = coronal(&scan.result, depth);
        let window = contrast(&slice);
        Panel::grey(title(depth), slice, window)
    });
    Section::new("Chest tomosynthesis")
        .text(text)
        .figure(
            Figure::new("The sweep from the side. The detector stands still.")
                .panel(Panel::scanner("How it was taken", &acquisition.geometry, Some(results.scene.volume.grid()))),
        )
        .figure(projections(results))
        .figure(
            Figure::new(
                "Coronal slices from back to front, and the scene at the same depths. What lies in a slice is sharp along \
                 the travel; what lies before or behind it is smeared out, most where its edges run across the travel.",
            )
            .panels(slices)
            .panels(DEPTHS_MM.map(|depth| Panel::grey("What went in", coronal(&results.scene.volume, depth), truth))),
        )
}

fn projections(results: &Results) -> Figure {
    let acquisition = &results.tomosynthesis.acquisition;
    let count = acquisition.geometry.views().len();
    let view = |(title, index): (&str, usize)| {
        let slice = Slice::of_view(&acquisition.integrals, &acquisition.geometry, index)?;
        Some(Panel::grey(title, slice, results.shot.window))
    };
    let chosen = [("First, from the feet", 0), ("Straight on", count / 2), ("Last, from the head", count - 1)];
    Figure::new("First, middle and last view, as line integrals.").panels(chosen.into_iter().filter_map(view))
}

pub(super) fn title(depth_mm: f64) -> String {
    let side = if depth_mm < 0.0 { "behind" } else { "before" };
    format!("{} mm {side} the isocentre", significant(depth_mm.abs(), 3))
}
