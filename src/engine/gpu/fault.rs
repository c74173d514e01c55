//! Device loss and errors, turned into values: the process never dies by a panic of the graphics interface.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use super::Error;

/// How long one wait lasts before the caller is asked again whether to go on.
const WAIT: Duration = Duration::from_millis(200);
/// A device that does not finish one batch in this time is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// First loss of a device; everything after it fails for the same reason.
#[derive(Clone, Default)]
pub(super) struct Faults {
    lost: Arc<OnceLock<String>>,
}

impl Faults {
    pub(super) fn watch(device: &wgpu::Device) -> Self {
        let faults = Self::default();
        let lost = faults.lost.clone();
        device.set_device_lost_callback(move |reason, message| {
            let _ = lost.set(format!("{reason:?}: {message}"));
        });
        // Errors outside any scope would panic by default; they are kept as a loss, since nothing can be trusted then.
        let lost = faults.lost.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let _ = lost.set(error.to_string());
        }));
        faults
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match self.lost.get() {
            Some(reason) => Err(Error::DeviceLost { reason: one_line(reason) }),
            None => Ok(()),
        }
    }
}

/// Does `work` and turns every error the device reports meanwhile into a typed one that names `place`.
pub(super) fn caught<T>(
    device: &wgpu::Device,
    faults: &Faults,
    place: &str,
    work: impl FnOnce() -> T,
) -> impl Future<Output = Result<T, Error>> {
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let value = work();
    // Scopes are kept per thread, so they are popped before anything is awaited.
    let found = [internal.pop(), validation.pop()];
    let memory = memory.pop();
    let (faults, place) = (faults.clone(), place.to_owned());
    async move {
        let memory = memory.await;
        let mut first = None;
        for error in found {
            first = first.or(error.await);
        }
        faults.check()?;
        if memory.is_some() {
            return Err(Error::OutOfMemory { place });
        }
        match first {
            Some(error) => Err(Error::Internal { place, reason: one_line(&error.to_string()) }),
            None => Ok(value),
        }
    }
}

/// Waits until a submission has run.
pub(super) fn wait(device: &wgpu::Device, faults: &Faults, index: &wgpu::SubmissionIndex) -> Result<(), Error> {
    let start = Instant::now();
    loop {
        let poll = wgpu::PollType::Wait { submission_index: Some(index.clone()), timeout: Some(WAIT) };
        let result = device.poll(poll);
        faults.check()?;
        match result {
            Ok(_) => return Ok(()),
            Err(wgpu::PollError::Timeout) if start.elapsed() < PATIENCE => {}
            Err(wgpu::PollError::Timeout) => {
                return Err(Error::DeviceLost { reason: format!("no answer for {} s", PATIENCE.as_secs()) });
            }
            Err(error) => return Err(Error::DeviceLost { reason: one_line(&error.to_string()) }),
        }
    }
}

/// Messages of the graphics interface run over many lines; errors of kerma are one.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
