//! Device loss and errors, turned into values: the process never dies by a panic of the graphics interface.

use std::{
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::Error;

/// What happens to a device that no call reports.
///
/// A wgpu device has one place for each callback, and a library that computes on the same device, as burn does, puts its
/// own there: [`super::Handles::watch`] takes them back. A loss is looked for besides at both ends of a run and behind
/// every error, since it is told only to a callback, and only when the device is polled.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Found>);

#[derive(Debug, Default)]
struct Found {
    /// Why the device was lost; everything after it fails for the same reason.
    lost: OnceLock<String>,
    /// The first call outside any error scope that was refused: nothing can be trusted after one.
    refused: OnceLock<String>,
    /// Whether memory ran out in a call outside any error scope.
    is_full: AtomicBool,
}

impl Faults {
    /// Puts callbacks into the device's places, instead of whatever was there.
    ///
    /// Only others than the engine make calls outside any error scope. One for which there is no memory returns a buffer
    /// without any; where calls are to unwind, it does not return.
    pub(super) fn watch(&self, device: &wgpu::Device, unwinds: bool) {
        let found = self.0.clone();
        device.set_device_lost_callback(move |reason, message| {
            let _ = found.lost.set(one_line(&format!("{reason:?}: {message}")));
        });
        let found = self.0.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| match error {
            wgpu::Error::OutOfMemory { .. } => {
                found.is_full.store(true, Ordering::Release);
                if unwinds {
                    std::panic::resume_unwind(Box::new("the device is out of memory"));
                }
            }
            error => {
                let _ = found.refused.set(one_line(&error.to_string()));
            }
        }));
    }

    /// Whether both are the same device.
    pub(super) fn is_same_device(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What was reported so far.
    pub(super) fn check(&self, device: &wgpu::Device) -> Result<(), Error> {
        // What a lost device is given is refused, perhaps before the loss is told.
        let reported = self.0.lost.get().is_some() || self.0.refused.get().is_some();
        if reported { self.ask(device) } else { Ok(()) }
    }

    /// The same after a look whether the device is lost.
    pub(super) fn ask(&self, device: &wgpu::Device) -> Result<(), Error> {
        if self.0.lost.get().is_none() && is_lost(device) {
            let _ = self.0.lost.set("the driver does not say why".to_owned());
        }
        match (self.0.lost.get(), self.0.refused.get()) {
            (Some(reason), _) => Err(Error::DeviceLost { reason: reason.clone() }),
            (None, Some(reason)) => {
                Err(Error::Internal { place: "an unguarded call".to_owned(), reason: reason.clone() })
            }
            (None, None) => Ok(()),
        }
    }

    /// Whether memory ran out in an unguarded call since the last time this was asked.
    pub(super) fn take_full(&self) -> bool {
        self.0.is_full.swap(false, Ordering::AcqRel)
    }

    /// The loss of the device, if that is what lies behind `error`; it is reported only when the device is polled.
    pub(super) fn blamed(&self, device: &wgpu::Device, error: Error) -> Error {
        let _ = device.poll(wgpu::PollType::Poll);
        self.ask(device).err().unwrap_or(error)
    }
}

/// A lost device takes every call and reports none of them; it cannot map the smallest new buffer, though.
fn is_lost(device: &wgpu::Device) -> bool {
    // A browser tells it by itself, and has no answer before the event loop goes on.
    if cfg!(target_family = "wasm") {
        return false;
    }
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("kerma probe"),
        size: wgpu::COPY_BUFFER_ALIGNMENT,
        usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    });
    let is_mapped = buffer.get_mapped_range_mut(..).is_ok();
    let validation = validation.pop();
    let memory = memory.pop();
    // Full memory is no loss.
    !is_mapped && now(async { validation.await.or(memory.await).is_none() })
}

/// Error scopes of native devices are ready when popped; this takes their answer without an executor.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        std::thread::yield_now();
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
        faults.check(&device)?;
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

/// Messages of the graphics interface run over many lines; errors of kerma are one.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
