//! `cargo xtask`: set-up and checks of the workspace.
//!
//! Plain standard library, so that it compiles in a second on a bare machine: it has to run before anything else can.

mod apt;
mod drivers;
mod run;
mod scaffold;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use drivers::Drivers;
use run::{Result, cargo, timed};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [-- ARGS]  find or install the Vulkan drivers, then run all tests; ARGS go to `cargo test`
  isa             print what AMD's compiler makes of every shader, as a table
  features        lint the library with each of its features alone, test it with none, and check it for WebAssembly
  scaffold        count the lines of every kernel that are not mathematics
  drivers         find or install the Vulkan drivers and print what to export: eval \"$(cargo xtask drivers)\"
  lint            formatting, clippy and documentation, with warnings denied";

/// Features of the library that must do without the others.
const FEATURES: [&str; 4] = ["", "gpu", "io", "parallel"];

/// What follows the list of failures.
const REPEAT: &str = "\
A failed test runs alone by: cargo xtask test -- --test FILE NAME (--lib NAME for a test within a library). What tests draw is
the same in every run, but for property tests: the seed of theirs is printed with the failure, as a line that begins with cc,
and kept in proptest-regressions/, from which the next run takes it first.";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let outcome = match words[..] {
        ["test"] => test(&[]),
        ["test", "--", ..] => test(&arguments[2..]),
        ["isa"] => test(&["--test", "isa", "--", "--nocapture"].map(OsString::from)),
        ["scaffold"] => scaffold::print(Path::new("src/kernels")),
        ["drivers"] => print_exports(),
        ["lint"] => lint(),
        ["features"] => features(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// All targets and doc tests in one go; `--no-fail-fast` so that one failure does not hide the others.
fn test(arguments: &[OsString]) -> Result<()> {
    let variables = timed("drivers", variables)?;
    let mut command = cargo(&["test", "--workspace", "--no-fail-fast"]);
    timed("tests", || {
        run::succeed(command.args(arguments).envs(variables)).map_err(|error| format!("{error}\n{REPEAT}"))
    })
}

fn print_exports() -> Result<()> {
    for (name, value) in variables()? {
        println!("export {name}='{}'", value.to_string_lossy().replace('\'', r"'\''"));
    }
    Ok(())
}

/// The environment in which the tests find both drivers.
fn variables() -> Result<Vec<(&'static str, OsString)>> {
    let target = target_folder()?;
    Drivers::find_or_install(&target)?.environment(&target)
}

fn lint() -> Result<()> {
    timed("fmt", || run::succeed(&mut cargo(&["fmt", "--all", "--check"])))?;
    timed("clippy", || run::succeed(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])))?;
    timed("clippy without networks", || {
        let bare = ["clippy", "-p", "kerma-cli", "--no-default-features", "--all-targets", "--", "-D", "warnings"];
        run::succeed(&mut cargo(&bare))
    })?;
    // Libraries only: the command and the library share the name `kerma`, and so would their pages.
    timed("doc", || {
        run::succeed(cargo(&["doc", "--workspace", "--no-deps", "--lib"]).env("RUSTDOCFLAGS", "-D warnings"))
    })
}

/// The library with one feature at a time: no warnings; its own tests with none, since each line that a feature adds or replaces
/// is tested with none or with all; then that it compiles for browsers.
fn features() -> Result<()> {
    for feature in FEATURES {
        let what = if feature.is_empty() { "no feature" } else { feature };
        let alone = ["-p", "kerma", "--no-default-features", "--features", feature, "--all-targets"];
        timed(&format!("clippy with {what}"), || {
            run::succeed(cargo(&["clippy"]).args(alone).args(["--", "-D", "warnings"]))
        })?;
    }
    timed("tests with no feature", || {
        run::succeed(&mut cargo(&["test", "-p", "kerma", "--no-default-features", "--lib", "--tests"]))
    })?;
    timed("check for WebAssembly", || {
        let target = ["check", "--target", "wasm32-unknown-unknown", "-p", "kerma"];
        run::succeed(cargo(&target).args(["--no-default-features", "--features", "gpu"]))
    })
}

/// Cargo puts this program at `TARGET/PROFILE/xtask`, whichever way the target folder was chosen.
fn target_folder() -> Result<PathBuf> {
    let program = env::current_exe().map_err(|error| format!("cannot tell where this program lies: {error}"))?;
    let target = program.ancestors().nth(2).map(Path::to_path_buf);
    target.ok_or_else(|| format!("{} does not lie in a target folder", program.display()))
}
