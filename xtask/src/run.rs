//! Running other programs, and saying how long they took.

use std::env;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The error is a message for the person at the terminal: nothing here decides by its kind.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// The cargo that started this program, so that a chosen toolchain stays chosen.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs a command in full view.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} failed, {status}", shown(command))),
        Err(error) => Err(format!("cannot start {}: {error}", shown(command))),
    }
}

/// Runs a command and returns what it printed, which is shown only as part of an error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed, {}:\n{}", shown(command), output.status, complaint.trim_end()))
}

/// Runs one step and reports its duration, whether or not it succeeded.
pub(crate) fn timed<T>(step: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let outcome = work();
    let verdict = if outcome.is_ok() { "done" } else { "FAILED" };
    eprintln!("xtask: {step} {verdict} in {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!("`{}`", words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}
