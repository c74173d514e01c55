//! The `kerma` command.

mod args;
mod commands;
mod context;
mod failure;
mod interrupt;
#[cfg_attr(not(test), expect(dead_code, reason = "the demo does not draw everything that can be drawn"))]
mod pictures;
#[cfg_attr(not(test), expect(dead_code, reason = "the demo does not draw everything that can be drawn"))]
mod report;
mod summary;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Cli, context::Context, failure::Failure};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    let cli = Cli::try_parse()?;
    interrupt::install()?;
    commands::run(cli.command, &mut Context::new(cli.global))
}
