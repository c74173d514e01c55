//! The report of one training: the loss over the steps, what came of it, and the recipe.

use kerma_nn::{Card, training::System};
use serde_json::Value;

use crate::report::{Chart, Figure, Panel, Report, Section, Summary, Table, grouped, seconds, significant};

/// Points of the curve: a mean over as many equal parts of the training.
const POINTS: usize = 300;

/// The whole page.
pub(super) fn report(card: &Card<impl System>, losses: &[f32], summary: Summary) -> Report {
    let (steps, weights) = (grouped(card.steps), grouped(card.parameters));
    let lead = format!("{steps} steps, {weights} weights, on {}", card.machine);
    Report::new(format!("{}, trained", card.recipe.name()), &lead)
        .summary(summary)
        .section(course(card, losses))
        .section(numbers(card))
        .section(recipe(&card.recipe))
        .section(Section::new("What to keep in mind").notes([
            "Not for diagnosis: a demonstration of computations.",
            "A loss falls with the noise that was drawn as well as with learning: compare trainings by kerma evaluate, on \
             images that none of them has seen.",
        ]))
}

fn course(card: &Card<impl System>, losses: &[f32]) -> Section {
    let part = losses.len().div_ceil(POINTS).max(1);
    let points = losses.chunks(part).enumerate().map(|(index, losses)| {
        let mean = losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / losses.len() as f64;
        [(index * part) as f64, mean]
    });
    let rate = card.recipe.training().rate();
    let rates = (0..card.steps).step_by(part).map(|step| [step as f64, rate.at(step)]);
    let loss = Chart::new("step", "loss (logarithmic)").line("loss of the batches", points.collect()).logarithmic();
    let rates = Chart::new("step", "learning rate").line("learning rate", rates.collect());
    let caption = match part {
        1 => "Loss of the batch of each step, and the learning rate.".to_owned(),
        _ => format!(
            "Loss of the batches, each point the mean over the {part} steps from there on, and the learning rate."
        ),
    };
    let charts = [Panel::chart("Loss", loss), Panel::chart("Learning rate", rates)];
    Section::new("Course").figure(Figure::new(caption).panels(charts))
}

fn numbers(card: &Card<impl System>) -> Section {
    let table = Table::new("Result", ["Quantity", "Value", "Meaning"])
        .row(["Loss", &significant(f64::from(card.loss), 4), "mean over the last tenth of the steps"])
        .row(["Steps", &grouped(card.steps), "batches that were learned from"])
        .row(["Weights", &grouped(card.parameters), "numbers that were learned"])
        .row(["Time", &seconds(card.seconds), "all steps on the clock, those before --resume too"]);
    let model = Table::new("Model", ["Quantity", "Value"])
        .row(["Name", card.recipe.name()])
        .row(["SHA-256 of card and weights", &card.sha256]);
    Section::new("Numbers").table(table).table(model)
}

/// The recipe, every number under the name it has in the file.
fn recipe(recipe: &impl System) -> Section {
    let mut rows = Vec::new();
    entries(&serde_json::to_value(recipe).unwrap_or_default(), "", &mut rows);
    let table = Table::of("What was trained", vec!["Name in the recipe".to_owned(), "Value".to_owned()], rows);
    Section::new("Recipe").table(table)
}

fn entries(value: &Value, name: &str, rows: &mut Vec<Vec<String>>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                entries(value, &name, rows);
            }
        }
        Value::String(text) => rows.push(vec![name.to_owned(), text.clone()]),
        Value::Array(values) => {
            let texts = values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            rows.push(vec![name.to_owned(), texts.collect::<Vec<_>>().join(", ")]);
        }
        other => rows.push(vec![name.to_owned(), other.to_string()]),
    }
}
