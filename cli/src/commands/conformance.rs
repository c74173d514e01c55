use clap::Args;
use kerma_kernels_tests::{Verdict, cases};

use crate::{
    context::{Bar, Context},
    failure::Failure,
};

const EXAMPLES: &str = "\
Examples:
  kerma conformance
  kerma conformance --device gpu:1 --filter fdk --json

Exit code 1 when a kernel fails. On an adapter whose numeric self-test fails, pinned kernels pass within tolerance.";

/// Arguments of `kerma conformance`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConformanceArgs {
    /// Run only kernels whose name contains this
    #[arg(long, value_name = "KERNEL")]
    filter: Option<String>,
}

/// Runs `kerma conformance`.
pub(crate) fn run(args: &ConformanceArgs, context: &mut Context) -> Result<(), Failure> {
    let filter = args.filter.as_deref();
    check_filter(filter.unwrap_or(""))?;
    let device = context.device()?;
    context.explain();
    let report = {
        let bar = Bar::new("conformance", context.options().quiet);
        kerma_kernels_tests::run(device, filter, &|progress| bar.show(progress))
    };
    context.measure("conformance", &report);
    context.answer(&report)?;
    if report.passed() {
        return Ok(());
    }
    let failed = report.kernels.iter().filter(|kernel| kernel.verdict == Verdict::Failed).count();
    let all = report.kernels.len();
    Err(Failure::Check(format!("conformance: {failed} of {all} kernels failed on {}", report.adapter)))
}

/// A filter that nothing passes would make a suite that proves nothing.
fn check_filter(filter: &str) -> Result<(), Failure> {
    let mut names: Vec<&str> = cases().iter().map(|case| case.kernel).collect();
    if names.iter().any(|name| name.contains(filter)) {
        return Ok(());
    }
    names.dedup();
    Err(Failure::input(format!("--filter must be part of a kernel's name ({}), got \"{filter}\"", names.join(", "))))
}
