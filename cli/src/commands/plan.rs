use std::path::PathBuf;

use clap::{Args, Subcommand};
use kerma::{engine::Graph, tasks::Recorded};

use super::{
    backproject::BackprojectInputs, enhance::EnhanceInputs, project::ProjectInputs, reconstruct::ReconstructInputs,
};
use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Write `plan` before a command that you would run:
  kerma plan reconstruct scan.nrrd --geometry scan.toml --grid 256x256x256@1x1x1
  kerma plan --graphviz project chest.nii.gz --geometry scan.toml | dot -Tsvg > plan.svg";

/// Arguments of `kerma plan`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    task: Task,
    /// Print Graphviz instead of text
    #[arg(long, global = true)]
    graphviz: bool,
}

/// Command whose graph is printed.
#[derive(Debug, Subcommand)]
enum Task {
    /// Graph of `kerma project`
    Project(Planned<ProjectInputs>),
    /// Graph of `kerma backproject`
    Backproject(Planned<BackprojectInputs>),
    /// Graph of `kerma reconstruct`
    Reconstruct(Box<Planned<ReconstructInputs>>),
    /// Graph of `kerma enhance`
    Enhance(Planned<EnhanceInputs>),
}

/// A command's inputs; its output may be named, but nothing is written.
#[derive(Args, Debug)]
struct Planned<T: Args> {
    #[command(flatten)]
    inputs: T,
    #[arg(long, value_name = "FILE", hide = true)]
    out: Option<PathBuf>,
}

/// Runs `kerma plan`.
pub(crate) fn run(args: &PlanArgs, context: &mut Context) -> Result<(), Failure> {
    match &args.task {
        Task::Project(task) => {
            let loaded = task.inputs.load(context)?;
            if let Some(done) = loaded.divided(context) {
                return done;
            }
            let task = context.record(|| loaded.record())?;
            print(task.graph(), args.graphviz, context)
        }
        Task::Backproject(task) => {
            if let Some(done) = task.inputs.divided(context) {
                return done;
            }
            let loaded = task.inputs.load(context)?;
            let task = context.record(|| loaded.record())?;
            print(task.graph(), args.graphviz, context)
        }
        Task::Reconstruct(task) => {
            if let Some(done) = task.inputs.divided(context) {
                return done;
            }
            let loaded = task.inputs.load(context)?;
            loaded.planned(context, |graph, context| print(graph, args.graphviz, context))
        }
        Task::Enhance(task) => {
            let loaded = task.inputs.load(context)?;
            let task = context.record(|| loaded.record())?;
            print(task.graph(), args.graphviz, context)
        }
    }
}

fn print(graph: &Graph<'_>, is_graphviz: bool, context: &mut Context) -> Result<(), Failure> {
    let plan = context.plan("the plan", graph)?;
    context.explain();
    let text = if is_graphviz { plan.to_graphviz() } else { plan.to_string() };
    context.measure("dispatches", plan.dispatch_count());
    context.measure("dropped", plan.dropped_count());
    context.measure("submissions", plan.submission_count());
    context.measure("staging_bytes", plan.staging_bytes());
    context.measure("plan", &text);
    context.answer(text)
}
