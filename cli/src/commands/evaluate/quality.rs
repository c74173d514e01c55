//! Networks that assess radiographs, held to the truth on simulated and real bodies.

use std::path::{Path, PathBuf};

use kerma::engine::{self, Progress};
use kerma_nn::{
    Error, beside,
    quality::{
        Assessor, Radiographs,
        evaluation::{Evaluation, Figures, Networks, Outcome, Part, Recipe},
    },
};

use super::{
    EvaluateArgs,
    networks::{finish, said},
};
use crate::{
    context::Context,
    failure::Failure,
    report::{Report, Section, Summary, Table},
};

/// Memory for radiographs that are read once.
const NO_CACHE: u64 = 0;

/// Compares networks with baselines by a recipe.
pub(super) fn run(args: &EvaluateArgs, text: &str, context: &mut Context) -> Result<(), Failure> {
    let mut recipe = Recipe::from_toml(text).map_err(|e| Failure::from(e).in_file(&args.recipe))?;
    for name in recipe.leave_out(Path::exists) {
        context.note(&format!("{name}: a model is ABSENT, the evaluation goes on without it"));
    }
    let parts = recipe.networks.iter().map(|networks| part(&recipe, networks, context));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    if parts.is_empty() {
        return Err(Failure::input("no quantity has both of its models").in_file(&args.recipe));
    }
    let outcome = Outcome::new(&parts, recipe.seed)?;
    let page = |summary| page(&outcome, summary).to_html();
    finish(args, &outcome, &outcome.markdown(), &outcome.statements, page, context)
}

/// One quantity: its networks and baselines on all bodies.
fn part(recipe: &Recipe, networks: &Networks, context: &mut Context) -> Result<Part, Failure> {
    let (quantity, device) = (networks.quantity, beside(context.device()?)?);
    let wanted = [("value", Some(&networks.value)), ("classes", Some(&networks.classes))];
    let wanted = wanted.into_iter().chain([("value, shuffled labels", networks.shuffled.as_ref())]);
    let mut assessors = Vec::new();
    for (name, path) in wanted.filter_map(|(name, path)| Some((name, path?))) {
        assessors.push((name.to_owned(), context.read(|| Assessor::load(path, quantity, &device))?));
    }
    let open =
        |folder: &PathBuf, turned| Radiographs::of_turned(std::slice::from_ref(folder), quantity, NO_CACHE, turned);
    let evaluation = context.read(|| Evaluation::new(quantity, assessors, &open(&recipe.fit, 0.0)?, recipe.seed))?;
    let mut measured = |folder, turned| measured(&evaluation, &open(folder, turned)?, quantity.name(), context);
    let bodies = measured(&recipe.test, 0.0)?;
    let real = recipe.real.as_ref().filter(|folder| folder.exists());
    let real = real.map(|folder| measured(folder, recipe.real_turned_deg)).transpose()?;
    Ok(Part { quantity, names: evaluation.names(), bodies, real: real.unwrap_or_default() })
}

/// Figures of all bodies, under a progress bar.
fn measured(
    evaluation: &Evaluation,
    radiographs: &Radiographs,
    name: &str,
    context: &mut Context,
) -> Result<Vec<Vec<Figures>>, Failure> {
    context.drive(name, |_, control| {
        let mut tell = |fraction: f64| {
            if (control.is_cancelled)() {
                return Err(Error::from(engine::Error::Cancelled));
            }
            (control.progress)(Progress { pass: name, fraction });
            Ok(())
        };
        Ok(evaluation.measure(radiographs, &mut tell)?)
    })
}

fn page(outcome: &Outcome, summary: Summary) -> Report {
    let lead = format!("{} bodies, none of which a network has seen; {} real.", outcome.bodies, outcome.real);
    let columns = Outcome::columns().map(str::to_owned).to_vec();
    let rows = outcome.rows.iter().map(|row| row.texts()).collect();
    let table = Table::of("Means over bodies, and intervals of 95 %", columns, rows);
    let notes = Section::new("Keep in mind").notes([
        "Not for diagnosis: a demonstration of computations.",
        "Bodies are phantoms of one family; a real body is told apart.",
        "Noise is white, as it was drawn; that of a detector with a scintillator is not.",
    ]);
    Report::new("Quality of radiographs", lead)
        .summary(summary)
        .section(Section::new("Tables").table(table).table(said(&outcome.statements)))
        .section(notes)
}
