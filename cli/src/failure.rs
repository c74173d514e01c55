//! How a command fails: one line on standard error and an exit code.

use std::{fmt::Display, io, path::Path, process::ExitCode};

use kerma::{data::DataError, engine, geometry::GeometryError, io::IoError, phantom::PhantomError, tasks::TaskError};

/// Exit code after Ctrl-C, as shells have it: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A check did not hold; its details are already on standard output.
    Check(String),
    /// Bad usage or bad input.
    Input(String),
    /// The device failed.
    Device(String),
    /// Ctrl-C.
    Interrupted,
    /// Nobody reads standard output any more.
    Pipe,
    /// What clap refuses, or its help.
    Usage(clap::Error),
}

impl Failure {
    /// Bad usage or bad input.
    pub(crate) fn input(message: impl Display) -> Self {
        Self::Input(message.to_string())
    }

    /// The same failure with the file it is about in front.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Input(message) => Self::Input(format!("{}: {message}", path.display())),
            other => other,
        }
    }

    /// Says what happened, on one line, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (code, message) = match self {
            Self::Check(message) => (1, message),
            Self::Input(message) => (2, message),
            Self::Device(message) => (3, message),
            Self::Interrupted => (INTERRUPTED, "interrupted".to_owned()),
            Self::Pipe => return ExitCode::SUCCESS,
            Self::Usage(error) => match error.exit_code() {
                // Help and version are not failures, and a closed pipe is the reader's choice.
                0 => {
                    let _ = error.print();
                    return ExitCode::SUCCESS;
                }
                code if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    let _ = error.print();
                    return ExitCode::from(code as u8);
                }
                code => (code as u8, usage_line(&error.render().to_string())),
            },
        };
        let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
        // Standard error may be closed; the exit code still tells.
        let _ = io::Write::write_all(&mut io::stderr(), format!("kerma: {line}\n").as_bytes());
        ExitCode::from(code)
    }
}

/// What clap says over several lines, on one: the complaint and its tips, without the usage.
fn usage_line(text: &str) -> String {
    let complaint = text.split("\n\n").take_while(|part| !part.starts_with("Usage:"));
    let kept = complaint.filter(|part| !part.starts_with("For more information"));
    let line = kept.map(|part| part.trim().trim_start_matches("error: ")).collect::<Vec<_>>().join("; ");
    format!("{line}; see 'kerma --help'")
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Cancelled => Self::Interrupted,
            error if error.is_device_failure() => Self::Device(error.to_string()),
            error => Self::input(error),
        }
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Engine(error) => error.into(),
            error => Self::input(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Pipe,
            _ => Self::input(format!("standard output: {error}")),
        }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

macro_rules! input_failures {
    ($($error:ty),*) => { $(impl From<$error> for Failure {
        fn from(error: $error) -> Self {
            Self::input(error)
        }
    })* };
}
input_failures!(DataError, GeometryError, IoError, PhantomError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_errors_become_one_line() {
        let text = "error: unexpected argument '--gird' found\n\n  tip: a similar argument exists: '--grid'\n\n\
                    Usage: kerma phantom <NAME>\n\nFor more information, try '--help'.\n";
        let want = "unexpected argument '--gird' found; tip: a similar argument exists: '--grid'; see 'kerma --help'";
        assert_eq!(usage_line(text), want);
    }

    #[test]
    fn faults_keep_their_side() {
        let lost = engine::Error::DeviceLost { reason: "unplugged".to_owned() };
        assert!(matches!(Failure::from(TaskError::Engine(lost)), Failure::Device(_)));
        assert!(matches!(Failure::from(engine::Error::Cancelled), Failure::Interrupted));
        let budget = engine::Error::MemoryBudget { needed_bytes: 2, budget_bytes: 1 };
        assert!(matches!(Failure::from(budget), Failure::Input(_)));
    }
}
