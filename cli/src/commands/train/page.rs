//! The report of one training: the loss over the steps, and the recipe.

use kerma_nn::Card;

use crate::report::{Chart, Figure, Panel, Report, Section, Summary, Table, significant};

/// Points of the curve: a mean over as many equal parts of the training.
const POINTS: usize = 300;

/// The whole page.
pub(super) fn report(card: &Card, losses: &[f32], summary: Summary) -> Report {
    let lead = format!("{} steps, {} weights, on {}", card.steps, card.parameters, card.machine);
    let part = losses.len().div_ceil(POINTS).max(1);
    let points = losses.chunks(part).enumerate().map(|(index, losses)| {
        let mean = losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / losses.len() as f64;
        [(index * part) as f64 + losses.len() as f64 / 2.0, mean]
    });
    let rate = card.recipe.learning_rate();
    let rates = (0..card.steps).step_by(part).map(|step| [step as f64, rate.at(step)]);
    let caption = format!("Loss of the batches, each point the mean over {part} steps, and the learning rate.");
    let numbers = Table::new("Result", ["what", "value"])
        .row(["mean loss over the last tenth", &significant(f64::from(card.loss), 4)])
        .row(["seconds", &significant(card.seconds, 4)])
        .row(["SHA-256 of the weights", &card.sha256]);
    Report::new(format!("{}, trained", card.recipe.name), &lead)
        .summary(summary)
        .section(
            Section::new("Course").figure(
                Figure::new(caption)
                    .panel(Panel::chart(
                        "Loss",
                        Chart::new("step", "loss").line("loss", points.collect()).logarithmic(),
                    ))
                    .panel(Panel::chart("Learning rate", Chart::new("step", "rate").line("rate", rates.collect()))),
            ),
        )
        .section(Section::new("Numbers").table(numbers))
}
