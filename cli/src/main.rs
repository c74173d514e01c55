//! The `kerma` command.

mod args;
mod commands;
mod context;
mod failure;
mod inputs;
mod interrupt;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the demo command is the first to draw pictures"))]
mod pictures;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the demo command is the first to write a report"))]
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
