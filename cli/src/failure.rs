//! How a command fails: one line on standard error and an exit code.

use std::{
    fmt::Display,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use clap::error::ErrorKind;
use kerma::{
    data::DataError,
    engine,
    geometry::GeometryError,
    io::IoError,
    phantom::PhantomError,
    physics::PhysicsError,
    tasks::{TaskError, enhance::PresetError, simulate::ProtocolError},
};

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

    /// What the process ends with.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Check(_) => 1,
            Self::Input(_) => 2,
            Self::Device(_) => 3,
            Self::Interrupted => INTERRUPTED,
            Self::Pipe => 0,
            // 0 for help and version, else 2.
            Self::Usage(error) => error.exit_code().try_into().unwrap_or(2),
        }
    }

    /// What happened, in a line.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Check(message) | Self::Input(message) | Self::Device(message) => message.clone(),
            Self::Interrupted => "interrupted".to_owned(),
            Self::Pipe => String::new(),
            Self::Usage(error) => usage_line(&error.render().to_string()),
        }
    }

    /// Says what happened, on one line, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let code = self.exit_code();
        let message = match &self {
            Self::Usage(error) if code == 0 || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                // A reader that closed the pipe has seen enough of the help.
                let _ = error.print();
                String::new()
            }
            other => other.message(),
        };
        let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            // Standard error may be closed; the exit code still tells.
            let _ = writeln!(io::stderr(), "kerma: {line}");
        }
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

#[cfg(feature = "nn")]
impl From<kerma_nn::Error> for Failure {
    fn from(error: kerma_nn::Error) -> Self {
        use kerma_nn::Error;
        match error {
            Error::Engine(error) => error.into(),
            Error::Task(error) => error.into(),
            error if error.is_device_failure() => Self::Device(error.to_string()),
            error => Self::input(error),
        }
    }
}

impl From<IoError> for Failure {
    fn from(error: IoError) -> Self {
        match error {
            IoError::Cancelled { .. } => Self::Interrupted,
            // The pitch of a stack comes from a geometry file.
            IoError::SpacingMissing { needed, .. } if needed.starts_with("a grid") => {
                Self::input(format!("{error}, by --grid"))
            }
            // The axes of a table of a trajectory are directions.
            IoError::SpacingMissing { needed, .. } if needed.starts_with("the pitch of the pixels") => {
                Self::input(format!("{error}, by --pitch"))
            }
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
input_failures!(DataError, GeometryError, PhantomError, PhysicsError, PresetError, ProtocolError);

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
    fn exit_codes_tell_whose_fault_it_is() {
        let lost = engine::Error::DeviceLost { reason: "unplugged".to_owned() };
        assert_eq!(Failure::from(TaskError::Engine(lost)).exit_code(), 3);
        assert_eq!(Failure::from(engine::Error::Cancelled).exit_code(), 130);
        let budget = engine::Error::MemoryBudget { needed_bytes: 2, budget_bytes: 1 };
        assert_eq!(Failure::from(budget).exit_code(), 2);
        let missing = engine::Error::NoDevice { asked: "gpu:9".to_owned(), available: "none".to_owned() };
        assert_eq!(Failure::from(missing).exit_code(), 2);
    }

    #[cfg(feature = "nn")]
    #[test]
    fn networks_and_engine_blame_the_same_for_the_same() {
        use kerma_nn::Error;
        let budget = Error::MemoryBudget { tile: 64, needed_bytes: 2, budget_bytes: 1 };
        assert_eq!(Failure::from(budget).exit_code(), 2);
        let full = Error::OutOfMemory { tile: 64, reason: "allocation failed".to_owned() };
        assert_eq!(Failure::from(full).exit_code(), 3);
        assert_eq!(Failure::from(Error::Tensor("lost".to_owned())).exit_code(), 3);
        let full = engine::Error::OutOfMemory { place: "pass".to_owned() };
        assert_eq!(Failure::from(Error::Engine(full.clone())).exit_code(), 3);
        assert_eq!(Failure::from(Error::Task(TaskError::Engine(full))).exit_code(), 3);
        assert_eq!(Failure::from(Error::Engine(engine::Error::Cancelled)).exit_code(), 130);
    }
}
