//! Device loss and errors, turned into values: the process never dies by a panic of the graphics interface.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use super::{Control, Error, Gpu};

/// How long one wait lasts before the caller is asked again whether to go on.
const WAIT: Duration = Duration::from_millis(100);
/// A device that does not finish one batch in this time is given up.
const PATIENCE: Duration = Duration::from_secs(300);

/// First failure of a device that no call reported; everything after it fails for the same reason.
#[derive(Clone, Default)]
pub(super) struct Faults {
    first: Arc<OnceLock<Error>>,
}

impl Faults {
    pub(super) fn watch(device: &wgpu::Device) -> Self {
        let faults = Self::default();
        let first = faults.first.clone();
        device.set_device_lost_callback(move |reason, message| {
            let _ = first.set(Error::DeviceLost { reason: one_line(&format!("{reason:?}: {message}")) });
        });
        // Errors outside any scope would panic by default; they are kept, since nothing can be trusted after one.
        let first = faults.first.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let place = "an unguarded call".to_owned();
            let _ = first.set(Error::Internal { place, reason: one_line(&error.to_string()) });
        }));
        faults
    }

    /// The loss of the device, if that is what lies behind `error`; it is reported only when the device is polled.
    pub(super) fn blamed(&self, device: &wgpu::Device, error: Error) -> Error {
        let _ = device.poll(wgpu::PollType::Poll);
        self.check().err().unwrap_or(error)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.first.get().map_or(Ok(()), |error| Err(error.clone()))
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
    let (device, faults, place) = (device.clone(), faults.clone(), place.to_owned());
    async move {
        let memory = memory.await;
        let mut first = None;
        for error in found {
            first = first.or(error.await);
        }
        faults.check()?;
        if memory.is_some() {
            return Err(faults.blamed(&device, Error::OutOfMemory { place }));
        }
        match first {
            Some(error) => {
                let reason = one_line(&error.to_string());
                Err(faults.blamed(&device, Error::Internal { place, reason }))
            }
            None => Ok(value),
        }
    }
}

/// Waits until a submission has run; between looks the caller is asked whether to go on.
pub(super) fn wait(gpu: &Gpu, control: &Control<'_>, index: &wgpu::SubmissionIndex) -> Result<(), Error> {
    let Gpu { device, faults, .. } = gpu;
    let start = Instant::now();
    loop {
        if (control.is_cancelled)() {
            return Err(Error::Cancelled);
        }
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
