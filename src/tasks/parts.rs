//! Work in parts on several devices.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
    mpsc::{Receiver, sync_channel},
};

use crate::engine::{Control, Device, Progress};

/// Does `count` parts: device k of n does the parts k, k + n and so on with what `open` made for it, and waits until what it has is
/// taken. They are taken in their order.
///
/// # Errors
/// What `open`, `work` and `take` say; the other devices are cancelled.
pub(super) fn on_all<S, T: Send, E: Send>(
    devices: &[Device],
    count: usize,
    control: &Control<'_>,
    open: impl Fn(&Device) -> Result<S, E> + Sync,
    work: impl Fn(usize, &mut S, &Control<'_>) -> Result<T, E> + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let has_failed = AtomicBool::new(false);
    let is_cancelled = || has_failed.load(Relaxed) || (control.is_cancelled)();
    let fractions = Mutex::new(vec![0.0; count]);
    let part = |number: usize, state: &mut S| {
        let progress = |of: Progress<'_>| {
            let mut fractions = fractions.lock().unwrap_or_else(PoisonError::into_inner);
            fractions[number] = of.fraction;
            let fraction = fractions.iter().sum::<f64>() / count as f64;
            (control.progress)(Progress { fraction, ..of });
        };
        work(number, state, &Control { progress: &progress, is_cancelled: &is_cancelled })
    };
    std::thread::scope(|scope| {
        let start = |(first, device)| {
            let (give, taken) = sync_channel(0);
            let (open, part) = (&open, &part);
            scope.spawn(move || {
                let mut state = match open(device) {
                    Ok(state) => state,
                    Err(error) => return drop(give.send(Err(error))),
                };
                for number in (first..count).step_by(devices.len()) {
                    let done = part(number, &mut state);
                    let is_last = done.is_err();
                    if give.send(done).is_err() || is_last {
                        return;
                    }
                }
            });
            taken
        };
        // Devices whose parts nobody takes any more end.
        let waiting: Vec<Receiver<Result<T, E>>> = devices.iter().enumerate().map(start).collect();
        let mut collect = || {
            for number in 0..count {
                let Ok(part) = waiting[number % devices.len()].recv() else { break };
                take(part?)?;
            }
            Ok(())
        };
        let result = collect();
        has_failed.store(result.is_err(), Relaxed);
        result
    })
}
