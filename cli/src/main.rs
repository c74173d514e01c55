//! The `kerma` command.

mod args;
mod commands;
mod context;
mod dicom;
mod draft;
mod failure;
mod inputs;
mod interrupt;
mod pictures;
mod report;
mod summary;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Cli, context::Context, failure::Failure};

/// Networks on the CPU make and drop tensors of many megabytes by the hundred; one that returns each to the system at once makes them
/// wait for as many new pages, half of the time of a volume's network.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hush_device_selection();
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

/// Mesa's device-selection layer asks the compositor which GPU it draws on. Where there is none, as on most compute
/// servers, it can only complain on standard error, once per adapter list.
fn hush_device_selection() {
    const SWITCH: &str = "NODEVICE_SELECT";
    let is_headless = cfg!(target_os = "linux") && std::env::var_os("XDG_RUNTIME_DIR").is_none();
    if is_headless && std::env::var_os(SWITCH).is_none() {
        // SAFETY: this is the first thing the process does; there is no other thread that could read the environment.
        unsafe { std::env::set_var(SWITCH, "1") };
    }
}
