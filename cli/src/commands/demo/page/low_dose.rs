use crate::{
    commands::demo::{
        Results,
        low_dose::{MODEL, PHOTONS, STAGE},
    },
    report::{Figure, Panel, Section, seconds, significant},
};

use super::stage_seconds;

/// The radiograph taken with few quanta, before and after denoising.
pub(super) fn section(results: &Results) -> Section {
    let (shot, low_dose) = (&results.shot, &results.low_dose);
    let [before, after] = low_dose.errors.map(|error| significant(error, 2));
    let start = low_dose.start.map_or_else(String::new, |t| format!(" entered at step {t} of its chain,"));
    let text = format!(
        "The same radiograph with {PHOTONS} quanta per pixel in the open beam. The diffusion model {MODEL},{start} takes the \
         noise off in one step, in {}: the line integrals' RMS error falls from {before} to {after}. What a network fills in \
         is its guess; faint detail below the noise is gone, or may be wrong.",
        seconds(stage_seconds(results, STAGE))
    );
    let [noisy, denoised] = [&low_dose.noisy, &low_dose.denoised].map(|slice| (slice.clone(), shot.window));
    Section::new("A low dose denoised").text(text).figure(
        Figure::new("Left of the line the noisy radiograph, right of it the denoised one, in the radiograph's window.")
            .panel(Panel::compared("Low dose before and after denoising", noisy, denoised)),
    )
}
