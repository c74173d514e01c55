use clap::{Args, builder::PossibleValuesParser};
use kerma::geometry::Scan;

use crate::{context::Context, failure::Failure};

/// Arguments of `kerma geometry`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kerma geometry tomosynthesis-linear > sweep.toml")]
pub(crate) struct GeometryArgs {
    /// Kind of scan; without it the kinds are listed
    #[arg(value_parser = PossibleValuesParser::new(Scan::KINDS))]
    name: Option<String>,
}

/// Runs `kerma geometry`.
pub(crate) fn run(args: &GeometryArgs, context: &mut Context) -> Result<(), Failure> {
    let Some(name) = &args.name else {
        context.measure("kinds", Scan::KINDS);
        return context.answer(Scan::KINDS.map(|kind| format!("{kind}\n")).concat());
    };
    let text = Scan::example(name)?;
    context.measure("kind", name);
    context.measure("toml", text);
    context.answer(text)
}
