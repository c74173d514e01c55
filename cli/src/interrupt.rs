//! Ctrl-C, and being told to terminate: the first asks the work to stop, the second ends the process.

use std::{
    io::{IsTerminal, Write as _, stderr},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::failure::{Failure, INTERRUPTED};

static ASKED: AtomicBool = AtomicBool::new(false);
/// How many pieces of [`orderly`] work are under way, one within the other.
static ORDERLY: AtomicUsize = AtomicUsize::new(0);

/// Whether parts of a long work come to their ends.
static PATIENT: AtomicBool = AtomicBool::new(false);

/// Begins to listen for Ctrl-C.
pub(crate) fn install() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        let is_second = ASKED.swap(true, Ordering::SeqCst);
        if is_second || ORDERLY.load(Ordering::SeqCst) == 0 {
            // A progress bar may stand on the line.
            let clear = if stderr().is_terminal() { "\r\x1b[2K" } else { "" };
            let _ = writeln!(stderr(), "{clear}kerma: interrupted");
            std::process::exit(INTERRUPTED.into());
        }
    })
    .map_err(|error| Failure::input(format!("cannot listen for Ctrl-C: {error}")))
}

/// Whether the work at hand should end.
pub(crate) fn is_asked() -> bool {
    is_pressed() && !PATIENT.load(Ordering::SeqCst)
}

/// Whether Ctrl-C was pressed.
pub(crate) fn is_pressed() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Does work of many parts that asks [`is_pressed`] between them: Ctrl-C lets the part at hand come to its end.
pub(crate) fn patient<T>(work: impl FnOnce() -> T) -> T {
    PATIENT.store(true, Ordering::SeqCst);
    ORDERLY.fetch_add(1, Ordering::SeqCst);
    let result = work();
    ORDERLY.fetch_sub(1, Ordering::SeqCst);
    PATIENT.store(false, Ordering::SeqCst);
    result
}

/// Ends a command that was asked to.
pub(crate) fn check() -> Result<(), Failure> {
    if is_asked() { Err(Failure::Interrupted) } else { Ok(()) }
}

/// Does work that must be left in order: a running device or a file half-written. Ctrl-C waits for it to notice; when
/// it comes too late for that, the work counts as done, and [`check`] tells.
pub(crate) fn orderly<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    ORDERLY.fetch_add(1, Ordering::SeqCst);
    let result = work();
    ORDERLY.fetch_sub(1, Ordering::SeqCst);
    result
}
