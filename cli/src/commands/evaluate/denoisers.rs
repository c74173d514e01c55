//! Denoisers on held-out simulated radiographs.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use kerma::io::write_bytes;
use kerma_nn::{
    beside,
    denoise::{
        Model,
        evaluation::{Evaluation, Grid, Outcome, Recipe},
    },
};

use super::{EvaluateArgs, page};
use crate::{context::Context, failure::Failure, inputs};

/// Compares denoisers by the recipe of that text.
pub(super) fn run(args: &EvaluateArgs, text: &str, context: &mut Context) -> Result<(), Failure> {
    let mut recipe = Recipe::from_toml(text).map_err(|e| Failure::from(e).in_file(&args.recipe))?;
    for path in recipe.leave_out(Path::exists) {
        context.note(&format!("{}: ABSENT, its methods are left out", path.display()));
    }
    if let Some(out) = &args.out {
        fs::create_dir_all(out).map_err(|e| Failure::input(e).in_file(out))?;
    }
    let volumes = inputs::volumes_at_hand(&mut recipe.volumes, "the evaluation", context)?;
    if volumes.is_empty() && recipe.images.count == 0 {
        return Err(Failure::input("none of the recipe's volumes is there, and it has no phantoms"));
    }
    let device = beside(context.device()?)?;
    let load = |path: PathBuf, context: &mut Context| -> Result<(PathBuf, Model), Failure> {
        let model = context.read(|| Model::load(&path, &device))?;
        Ok((path, model))
    };
    let models: BTreeMap<PathBuf, Model> =
        recipe.models().into_iter().map(|path| load(path, context)).collect::<Result<_, _>>()?;

    let evaluation = Evaluation::new(recipe, models, volumes);
    let machine = crate::commands::train::machine(context)?;
    let outcome = context.drive("evaluation", |engine, control| {
        Ok(pollster::block_on(evaluation.run(engine, &device, machine, control))?)
    })?;

    let grids = outcome.grids();
    let lead = outcome.lead();
    if let Some(out) = &args.out {
        let tables: Vec<String> = grids.iter().map(Grid::markdown).collect();
        let markdown = format!("# Denoisers compared\n{lead}.\n\n{}", tables.join("\n"));
        context.write(&out.join("table.md"), |path| write_bytes(path, markdown.as_bytes()))?;
        let object = serde_json::to_vec_pretty(&outcome).map_err(Failure::input)?;
        context.write(&out.join("table.json"), |path| write_bytes(path, &object))?;
        let summary = context.summary().for_page(context.device()?.self_test().summary());
        let html = page::report(&outcome, &grids, summary).to_html();
        context.write(&out.join("report.html"), |path| write_bytes(path, html.as_bytes()))?;
    }
    context.measure("evaluation", &outcome);
    let mut text = format!("{lead}\n");
    for grid in &grids {
        let _ = write!(text, "\n{grid}");
    }
    context.answer(text)?;
    verdict(&outcome)
}

fn verdict(outcome: &Outcome) -> Result<(), Failure> {
    if outcome.holds() {
        return Ok(());
    }
    let failed = outcome.verdicts.iter().filter(|verdict| !verdict.holds);
    let failed: Vec<String> = failed.map(|verdict| format!("{} ({})", verdict.check, verdict.found)).collect();
    let (count, all) = (failed.len(), outcome.verdicts.len());
    Err(Failure::Check(format!("evaluation: {count} of {all} checks do not hold: {}", failed.join("; "))))
}
