//! A network that reconstructs, beside filtered back-projection and total variation.

use kerma::data::Volume;
use kerma_nn::{
    beside,
    reconstruct::{
        Reconstructor,
        evaluation::{Evaluation, Outcome, Recipe},
    },
};

use super::{
    EvaluateArgs,
    networks::{each, finish, said},
};
use crate::{
    context::Context,
    failure::Failure,
    pictures::{Plane, Slice, Window},
    report::{Figure, Panel, Report, Section, Summary, Table},
};

/// Level and width of the pictures, in HU: lungs beside bone.
const WINDOW_HU: [f32; 2] = [-200.0, 1800.0];
/// Bodies that are shown.
const SHOWN: usize = 3;

/// Compares methods by a recipe.
pub(super) fn run(args: &EvaluateArgs, text: &str, context: &mut Context) -> Result<(), Failure> {
    let recipe = Recipe::from_toml(text).map_err(|e| Failure::from(e).in_file(&args.recipe))?;
    let (engine, seed) = (context.device()?.clone(), recipe.seed);
    let device = beside(&engine)?;
    let [network, control] = [recipe.model.clone(), recipe.control.clone()];
    let network = context.read(|| Reconstructor::load(&network, &engine, &device))?;
    let control = context.read(|| Reconstructor::load(&control, &engine, &device))?;
    let evaluation = context.compute(|| Evaluation::new(recipe, network, control));
    let evaluation = evaluation.map_err(|e| Failure::from(e).in_file(&args.recipe))?;
    let bodies: Vec<usize> = (0..evaluation.count()).collect();
    let measured = each(&bodies, context, |&body| pollster::block_on(evaluation.measure(body, &engine)))?;
    let (figures, slices): (Vec<_>, Vec<_>) = measured.into_iter().unzip();
    let outcome = Outcome::new(&evaluation.methods(), &figures, seed)?;
    let page = |summary| page(&outcome, &slices, summary).to_html();
    finish(args, &outcome, &outcome.markdown(), &outcome.statements, page, context)
}

fn page(outcome: &Outcome, slices: &[Vec<Volume>], summary: Summary) -> Report {
    let lead = format!("{} bodies, none of which a network has seen.", outcome.bodies);
    let columns = Outcome::columns().map(str::to_owned).to_vec();
    let table = Table::of(
        "Means over bodies, and intervals of 95 %",
        columns,
        outcome.rows.iter().map(|row| row.texts()).collect(),
    );
    let tried = outcome.tried.iter().map(|(name, mean)| vec![name.clone(), format!("{mean:.1}")]).collect();
    let tried = Table::of("Everything that was tried", ["method", "RMSE, HU"].map(str::to_owned).to_vec(), tried);
    let mut pictures = Section::new("Bodies");
    for (number, volumes) in slices.iter().enumerate().take(SHOWN) {
        let panel = |(name, volume): (&str, &Volume)| {
            let slice = Slice::of_volume(volume, Plane::Axial, volume.grid().centre_mm());
            Panel::grey(name, slice, Window::level(WINDOW_HU[0], WINDOW_HU[1]))
        };
        let truth = volumes.last().map(|truth| ("truth", truth));
        let shown = outcome.rows.iter().zip(&outcome.shown).map(|(row, &method)| (row.name.as_str(), &volumes[method]));
        let caption = format!("Body {}: the truth, and what each method makes of its views.", number + 1);
        pictures = pictures.figure(Figure::new(caption).panels(truth.into_iter().chain(shown).map(panel)));
    }
    let notes = Section::new("Keep in mind").notes([
        "Not for diagnosis: a demonstration of computations.",
        "Bodies are phantoms of the family that the network has learned from.",
        "Windows and weights are the best ones on the bodies that are shown, which favours the methods that have them.",
    ]);
    Report::new("Reconstruction by a network", lead)
        .summary(summary)
        .section(pictures)
        .section(Section::new("Tables").table(table).table(said(&outcome.statements)).table(tried))
        .section(notes)
}
