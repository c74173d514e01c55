mod export;
mod import;
mod program;
mod show;

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use kerma::geometry::Scan;

use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  kerma geometry tomosynthesis-linear > sweep.toml
  kerma geometry show sweep.toml --grid 128x64x128@3x4x3 --out sweep.html
  kerma geometry import geometry.xml --detector 512x384 --pitch 0.8x0.8 --out scan.toml
  kerma geometry import vectors.npy --beam cone --detector 512x384 --voxel 0.5 --out scan.toml
  kerma geometry import way.csv --detector 512x384 --out scan.toml
  kerma geometry export scan.toml --for leap --grid 256x256x128@1x1x1 --out parameters.cfg";

/// Arguments of `kerma geometry`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct GeometryArgs {
    /// Kind of scan; without it the kinds are listed
    #[arg(value_parser = PossibleValuesParser::new(Scan::KINDS))]
    name: Option<String>,
    #[command(subcommand)]
    action: Option<Action>,
}

/// What else can be done with geometries.
#[derive(Debug, Subcommand)]
enum Action {
    /// Write a page that draws source, detector and volume of a geometry file in space and from three sides
    Show(show::ShowArgs),
    /// Make a geometry file of explicit views from a file of RTK, ASTRA, LEAP or TIGRE, or from a table of a trajectory
    Import(import::ImportArgs),
    /// Write a scan for ASTRA (.npy), RTK (.xml), TIGRE (.json) or LEAP (parameters)
    Export(export::ExportArgs),
}

/// Runs `kerma geometry`.
pub(crate) fn run(args: &GeometryArgs, context: &mut Context) -> Result<(), Failure> {
    match (&args.action, &args.name) {
        (Some(Action::Show(args)), _) => show::run(args, context),
        (Some(Action::Import(args)), _) => import::run(args, context),
        (Some(Action::Export(args)), _) => export::run(args, context),
        (None, Some(name)) => {
            let text = Scan::example(name)?;
            context.measure("kind", name);
            context.measure("toml", text);
            context.answer(text)
        }
        (None, None) => {
            context.measure("kinds", Scan::KINDS);
            context.answer(Scan::KINDS.map(|kind| format!("{kind}\n")).concat())
        }
    }
}
