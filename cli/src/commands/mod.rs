//! The commands, one file each.

mod demo;
mod phantom;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// What `kerma` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the main job from phantom or CT to a report
    Demo(demo::DemoArgs),
    /// Write a built-in phantom as a volume, or its exact projections
    Phantom(phantom::PhantomArgs),
}

/// Runs one command.
pub(crate) fn run(command: Command, context: &mut Context) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(&args, context),
        Command::Phantom(args) => phantom::run(&args, context),
    }
}
