//! Ctrl-C: the first asks the engine to stop, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::{Failure, INTERRUPTED};

static ASKED: AtomicBool = AtomicBool::new(false);
static ORDERLY: AtomicBool = AtomicBool::new(false);

/// Begins to listen for Ctrl-C.
pub(crate) fn install() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        let is_second = ASKED.swap(true, Ordering::SeqCst);
        if is_second || !ORDERLY.load(Ordering::SeqCst) {
            std::process::exit(INTERRUPTED.into());
        }
    })
    .map_err(|error| Failure::input(format!("cannot listen for Ctrl-C: {error}")))
}

/// Whether Ctrl-C was pressed.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Does work that must be left in order: a running device or a file half-written. Ctrl-C waits for it to notice.
pub(crate) fn orderly<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    ORDERLY.store(true, Ordering::SeqCst);
    let result = work();
    ORDERLY.store(false, Ordering::SeqCst);
    // Between reading the flag and lowering the guard, a Ctrl-C may have come that nobody has acted upon.
    if is_asked() { Err(Failure::Interrupted) } else { result }
}
