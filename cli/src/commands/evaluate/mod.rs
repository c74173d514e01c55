#[cfg(feature = "nn")]
mod denoisers;
#[cfg(feature = "nn")]
pub(in crate::commands) mod detection;
#[cfg(feature = "nn")]
mod improvement;
#[cfg(feature = "nn")]
mod networks;
#[cfg(feature = "nn")]
mod page;
#[cfg(feature = "nn")]
mod quality;
#[cfg(feature = "nn")]
mod reconstruction;
mod simulation;

use std::{fs, path::PathBuf};

use clap::Args;

use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  kerma evaluate recipes/simulation-evaluation.toml
  kerma evaluate recipes/denoising-evaluation.toml --out out/evaluation --json
  kerma evaluate recipes/tomosynthesis-evaluation.toml --out out/tomosynthesis
  kerma evaluate recipes/nodules-evaluation.toml --out out/nodules
  kerma evaluate recipes/quality-evaluation.toml --out out/quality
  kerma evaluate recipes/primal-dual-evaluation.toml --out out/primal-dual

Denoisers: prints tables, methods by dose and noise, each mean with its 95 % confidence interval; * marks the best. Simulation: holds
photons, noise, CT numbers and scatter to published values. Tomosynthesis: networks that improve
reconstructions, on bodies that they have not seen. Nodules: networks that find them, on CT and tomosynthesis.
Quality: networks that assess radiographs, beside what needs no network. Reconstruction: a network between projections and back-projections,
beside filtered back-projection and total variation. --out writes table.md, table.json
and, of networks, report.html.
Exit code 1 when a check of the recipe does not hold.";

/// Arguments of `kerma evaluate`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvaluateArgs {
    /// Recipe: images, doses, methods, checks; or checks of the simulation
    recipe: PathBuf,
    /// Folder to write tables and the page into
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs `kerma evaluate`.
pub(crate) fn run(args: &EvaluateArgs, context: &mut Context) -> Result<(), Failure> {
    let text = context.read(|| fs::read_to_string(&args.recipe)).map_err(|e: Failure| e.in_file(&args.recipe))?;
    if let Some(recipe) = simulation::recipe(&text, &args.recipe)? {
        return simulation::run(args, &recipe, context);
    }
    #[cfg(feature = "nn")]
    return networks::run(args, &text, context);
    #[cfg(not(feature = "nn"))]
    Err(Failure::input("this build has no networks: it evaluates recipes with kind = \"simulation\" alone")
        .in_file(&args.recipe))
}
