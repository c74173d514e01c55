//! The main job, from phantom or CT to a report.

use std::path::PathBuf;

use clap::Args;

use crate::{context::Context, failure::Failure};

/// Arguments of `kerma demo`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// CT volume to start from instead of the built-in chest phantom
    #[arg(long, value_name = "FILE")]
    pub(crate) ct: Option<PathBuf>,
    /// Folder for the report and its pictures
    #[arg(long, value_name = "DIR", default_value = "kerma-demo")]
    pub(crate) out: PathBuf,
}

/// Runs `kerma demo`.
pub(crate) fn run(args: DemoArgs, _context: &mut Context) -> Result<(), Failure> {
    Err(Failure::input(format!("{}: there is no demo yet", args.out.display())))
}
