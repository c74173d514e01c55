//! Networks that find nodules, each on every kind of volume.

use std::path::{Path, PathBuf};

use kerma::metrics::froc::Nodule;
use kerma_nn::{
    Error, beside,
    segment::{
        self, Segmenter,
        evaluation::{Body, Case, Cell, Detectors, Outcome, Recipe, Row, Validation},
    },
    volumes::Input,
};

use super::{
    super::metrics::nodules_of,
    EvaluateArgs,
    networks::{PAIR, each, finish, folders, is_pair, said, volume},
};
use crate::{
    context::Context,
    failure::Failure,
    report::{Chart, Figure, Panel, Report, Section, Summary, Table},
};

/// False marks a scan up to which curves are drawn.
const MOST_FALSE: f64 = 8.0;

/// Compares networks by a recipe.
pub(super) fn run(args: &EvaluateArgs, text: &str, context: &mut Context) -> Result<(), Failure> {
    let recipe = Recipe::from_toml(text).map_err(|e| Failure::from(e).in_file(&args.recipe))?;
    let device = beside(context.device()?)?;
    let mut load = |model: &PathBuf| -> Result<Option<Segmenter>, Failure> {
        if !model.exists() {
            context.note(&format!("{} is ABSENT, the evaluation goes on without it", model.display()));
            return Ok(None);
        }
        Ok(Some(context.read(|| Segmenter::load(model, &device))?))
    };
    let networks = recipe.models.iter().map(&mut load).collect::<Result<Vec<_>, _>>()?;
    let control = recipe.control.as_ref().map(&mut load).transpose()?.flatten();
    let detectors = Detectors::new(networks.into_iter().flatten().collect(), control)?;

    let ct = recipe.ct.as_deref();
    let bodies = measured(&detectors, &folders(&recipe.test)?, ct, context)?;
    let real = match recipe.real.filter(|folder| folder.exists()) {
        Some(folder) => measured(&detectors, &folders(&folder)?, ct, context)?,
        None => Vec::new(),
    };
    let cells: Vec<(Cell, Option<f64>)> =
        detectors.cells().into_iter().map(|cell| (cell, detectors.threshold(cell))).collect();
    let outcome = context.compute(|| Outcome::new(&cells, &bodies, &real, recipe.depth_mm, recipe.seed))?;
    let page = |summary| page(&outcome, summary).to_html();
    finish(args, &outcome, &outcome.markdown(), &outcome.statements, page, context)
}

fn measured(
    detectors: &Detectors,
    folders: &[PathBuf],
    ct: Option<&Path>,
    context: &mut Context,
) -> Result<Vec<Body>, Failure> {
    each(folders, context, |folder| {
        let case = body(folder, ct)?;
        let marks = detectors.marks(&case)?;
        Ok(Body { nodules: case.nodules, marks })
    })
}

/// The bodies that a recipe has for its operating point, read one after another; of pairs of variants those with nodules.
pub(in crate::commands) fn validation(
    recipe: &segment::Recipe,
) -> Result<impl Iterator<Item = Result<Validation, Error>>, Failure> {
    let (seen, of_all) = (recipe.data.volume, &recipe.data.validation);
    let found: Vec<PathBuf> = of_all.iter().map(|folder| folders(folder)).collect::<Result<Vec<_>, _>>()?.concat();
    Ok(found.into_iter().map(move |folder| {
        let variant = variant_of(&folder);
        let stem = match seen {
            Input::Truth => "truth",
            Input::Reconstruction => "reconstruction",
        };
        let [volume, labels] = [stem, "nodules"].map(|stem| volume(&folder, stem, variant));
        Ok(Validation { volume: volume?, labels: labels?, nodules: nodules(&folder)?.1 })
    }))
}

fn variant_of(folder: &Path) -> &'static str {
    if is_pair(folder) { PAIR[0] } else { "" }
}

/// Name and nodules of a case.
fn nodules(folder: &Path) -> Result<(String, Vec<Nodule>), Error> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let list = folder.join(format!("nodules{}.csv", variant_of(folder)));
    let nodules = nodules_of(&list, &name).map_err(|failure| Error::Image(failure.message().to_owned()))?;
    Ok((name, nodules))
}

/// A case of `kerma simulate`, its body that of the same name in `ct` where there is one; of a pair of variants the one with
/// nodules.
fn body(folder: &Path, ct: Option<&Path>) -> Result<Case, Error> {
    let (variant, (name, nodules)) = (variant_of(folder), nodules(folder)?);
    let finer = ct.map(|ct| ct.join(&name)).filter(|finer| finer.is_dir());
    let truth = volume(finer.as_deref().unwrap_or(folder), "truth", variant)?;
    let is_reconstructed = folder.join(format!("reconstruction{variant}.nii.gz")).is_file();
    let reconstruction = is_reconstructed.then(|| volume(folder, "reconstruction", variant)).transpose()?;
    Ok(Case { name, truth, reconstruction, nodules })
}

fn page(outcome: &Outcome, summary: Summary) -> Report {
    let lead = format!("{} bodies with {} nodules, none of which a network has seen.", outcome.bodies, outcome.nodules);
    let table = |caption: &str, rows: &[Row]| {
        let columns = std::iter::once("detector".to_owned()).chain(outcome.columns.iter().cloned()).collect();
        Table::of(caption, columns, rows.iter().map(Row::texts).collect())
    };
    let chart = Chart::new("false marks a scan", "sensitivity");
    let chart = outcome.rows.iter().fold(chart, |chart, row| {
        let shown = row.curve.iter().copied().filter(|[false_marks, _]| *false_marks <= MOST_FALSE);
        chart.line(row.cell.to_string(), shown.collect())
    });
    let curves = Figure::new("Free-response ROC of every detector on every kind of volume.");
    let mut tables = Section::new("Tables").table(table("All bodies, with intervals of 95 %", &outcome.rows));
    if let Some((count, rows)) = &outcome.real {
        tables = tables.table(table(&format!("Real bodies, n = {count}"), rows));
    }
    Report::new("Nodules found by networks", lead)
        .summary(summary)
        .section(Section::new("Curves").figure(curves.panel(Panel::chart("FROC", chart))))
        .section(tables.table(said(&outcome.statements)))
        .section(Section::new("Keep in mind").notes([
            "Not for diagnosis: a demonstration of computations.",
            "Nodules are put into phantoms of one family, by one generator of shapes; those of patients look different.",
        ]))
}
