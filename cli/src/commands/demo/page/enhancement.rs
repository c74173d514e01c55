use crate::{
    commands::demo::{
        Results,
        enhancement::{PRESET, STAGE},
    },
    report::{Figure, Panel, Section, seconds, significant},
};

use super::stage_seconds;

/// The radiograph before and after its enhancement.
pub(super) fn section(results: &Results) -> Section {
    let (shot, clarified) = (&results.shot, &results.clarified);
    let enhanced = &clarified.enhanced;
    let levels = (1_u32 << enhanced.bits) - 1;
    let found = match (enhanced.threshold, enhanced.mask_share) {
        (Some(level), Some(share)) => format!(
            " What lies above grey level {level} of {levels} was found to be the body: {} % of the picture.",
            significant(share * 100.0, 3)
        ),
        _ => String::new(),
    };
    let text = format!(
        "The line integrals of the radiograph, with the contrast equalised tile by tile within limits and the bands of a \
         Laplacian pyramid raised: preset {PRESET}, in {}.{found}",
        seconds(stage_seconds(results, STAGE))
    );
    let before = (shot.picture.clone(), shot.window);
    let after = (clarified.picture.clone(), clarified.window);
    Section::new("The radiograph enhanced").text(text).figure(
        Figure::new(
            "Left of the line the radiograph, right of it the enhanced one. The line follows the pointer and stays where one \
             clicks; from the keyboard, Tab reaches it and the arrow keys move it.",
        )
        .panel(Panel::compared("Before and after the enhancement", before, after)),
    )
}
