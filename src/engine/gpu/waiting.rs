//! Waiting for the device without blocking the caller.
//!
//! A native device tells that it is done only to whoever polls it. That is one thread per device, started at the first wait:
//! the only one that blocks. Futures hand it a submission and are woken by its answer, whichever executor they run on. In a
//! browser the event loop does the same, and there is no thread.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use web_time::Instant;

use super::{Control, Error, Gpu, fault::one_line};

/// A device that does not finish one batch in this time is given up.
const PATIENCE: Duration = Duration::from_secs(300);

/// A value that a callback or another thread leaves, once.
pub(super) struct Signal<T>(Arc<Mutex<Slot<T>>>);

struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

impl<T> Clone for Signal<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Signal<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Slot { value: None, waker: None })))
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot<T>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the value and wakes who waits for it.
    pub(super) fn set(&self, value: T) {
        let waker = {
            let mut slot = self.slot();
            slot.value = Some(value);
            slot.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Whether a value of which `f` holds is there.
    pub(super) fn holds(&self, f: impl FnOnce(&T) -> bool) -> bool {
        self.slot().value.as_ref().is_some_and(f)
    }

    /// The value, if it is there.
    pub(super) fn take(&self) -> Option<T> {
        self.slot().value.take()
    }

    async fn wait(&self) -> T {
        poll_fn(|context| {
            let mut slot = self.slot();
            match slot.value.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    slot.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// What a look at the device found: whether the submission is done, or why the device cannot say.
type Answer = Result<bool, String>;

#[cfg(not(target_family = "wasm"))]
mod thread {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{OnceLock, mpsc},
        thread::{self, JoinHandle},
    };

    use super::{Answer, Duration, Signal};

    /// How long one look at the device lasts before the caller is asked again whether to go on.
    const WAIT: Duration = Duration::from_millis(100);

    enum Request {
        Look(wgpu::SubmissionIndex, Signal<Answer>),
        Pause(Signal<Answer>),
    }

    /// The thread that polls one device. It ends before its `Poller` is gone, and with it its hold on the device: a driver
    /// that is left at the end of the process must not be in use.
    #[derive(Default)]
    pub(in super::super) struct Poller(OnceLock<Running>);

    struct Running {
        /// None when the thread is to end.
        requests: Option<mpsc::Sender<Request>>,
        thread: Option<JoinHandle<()>>,
    }

    impl Drop for Running {
        fn drop(&mut self) {
            self.requests = None;
            // An executor may drop what it ran where it is woken: on that thread.
            if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
                let _ = thread.join();
            }
        }
    }

    impl Poller {
        /// Waits until the submission is done, for a while at most.
        pub(super) async fn look(
            &self,
            device: &wgpu::Device,
            _: &wgpu::Queue,
            index: &wgpu::SubmissionIndex,
        ) -> Answer {
            self.ask(device, |answer| Request::Look(index.clone(), answer)).await
        }

        /// Lets other threads go on for a moment.
        pub(super) async fn pause(&self, device: &wgpu::Device) {
            let _ = self.ask(device, Request::Pause).await;
        }

        async fn ask(&self, device: &wgpu::Device, request: impl FnOnce(Signal<Answer>) -> Request) -> Answer {
            let running = self.0.get_or_init(|| {
                let (sender, requests) = mpsc::channel();
                let device = device.clone();
                let work = move || requests.into_iter().for_each(|request| answer(&device, request));
                // Without a thread the channel has no receiver.
                let thread = thread::Builder::new().name("kerma waits".to_owned()).spawn(work).ok();
                Running { requests: Some(sender), thread }
            });
            let signal = Signal::new();
            match running.requests.as_ref().map(|requests| requests.send(request(signal.clone()))) {
                Some(Ok(())) => signal.wait().await,
                _ => Err("there is no thread that polls the device".to_owned()),
            }
        }
    }

    fn answer(device: &wgpu::Device, request: Request) {
        match request {
            Request::Look(index, signal) => {
                let poll = wgpu::PollType::Wait { submission_index: Some(index), timeout: Some(WAIT) };
                // Callbacks that other libraries left in the device run here too, and may panic.
                signal.set(match catch_unwind(AssertUnwindSafe(|| device.poll(poll))) {
                    Ok(Ok(_)) => Ok(true),
                    Ok(Err(wgpu::PollError::Timeout)) => Ok(false),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("a callback of the device panicked".to_owned()),
                });
            }
            Request::Pause(signal) => {
                thread::sleep(Duration::from_millis(1));
                signal.set(Ok(false));
            }
        }
    }
}

#[cfg(target_family = "wasm")]
mod event_loop {
    use super::{Answer, Signal};

    /// The browser polls the device.
    #[derive(Default)]
    pub(in super::super) struct Poller;

    impl Poller {
        /// Waits until all that was submitted is done.
        pub(super) async fn look(&self, _: &wgpu::Device, queue: &wgpu::Queue, _: &wgpu::SubmissionIndex) -> Answer {
            let signal = Signal::new();
            let done = signal.clone();
            queue.on_submitted_work_done(move || done.set(Ok(true)));
            signal.wait().await
        }

        /// Goes back to the event loop once.
        pub(super) async fn pause(&self, _: &wgpu::Device) {
            let mut is_back = false;
            super::poll_fn(|context| {
                if std::mem::replace(&mut is_back, true) {
                    return super::Poll::Ready(());
                }
                context.waker().wake_by_ref();
                super::Poll::Pending
            })
            .await;
        }
    }
}

#[cfg(target_family = "wasm")]
pub(super) use event_loop::Poller;
#[cfg(not(target_family = "wasm"))]
pub(super) use thread::Poller;

/// Waits until a submission has run; between looks, whose number it returns, the caller is asked whether to go on.
pub(super) async fn wait(gpu: &Gpu, control: &Control<'_>, index: &wgpu::SubmissionIndex) -> Result<u64, Error> {
    let Gpu { device, queue, faults, poller, .. } = gpu;
    let start = Instant::now();
    let mut polls = 0;
    loop {
        polls += 1;
        if (control.is_cancelled)() {
            return Err(Error::Cancelled);
        }
        let answer = poller.look(device, queue, index).await;
        faults.check(device)?;
        match answer {
            Ok(true) => return Ok(polls),
            Ok(false) if start.elapsed() < PATIENCE => {}
            Ok(false) => return Err(unanswered()),
            Err(reason) => return Err(Error::DeviceLost { reason: one_line(&reason) }),
        }
    }
}

/// What a buffer's map callback leaves.
pub(super) type Mapped = Signal<Result<(), wgpu::BufferAsyncError>>;

/// Waits until a buffer is mapped, which is due once a submission has run; returns how often the device was asked.
///
/// The callback need not have been called by then: where several threads poll a device, burn's among them, one of them takes
/// all callbacks that are due, and calls them after others have found the submission done.
pub(super) async fn wait_mapped(
    gpu: &Gpu,
    control: &Control<'_>,
    place: &str,
    submission: &wgpu::SubmissionIndex,
    mapped: &Mapped,
) -> Result<u64, Error> {
    let polls = wait(gpu, control, submission).await?;
    let start = Instant::now();
    loop {
        if let Some(result) = mapped.take() {
            let failed =
                |error: wgpu::BufferAsyncError| Error::Internal { place: place.to_owned(), reason: error.to_string() };
            return result.map(|()| polls).map_err(|error| gpu.faults.blamed(&gpu.device, failed(error)));
        }
        if start.elapsed() >= PATIENCE {
            return Err(unanswered());
        }
        gpu.poller.pause(&gpu.device).await;
    }
}

fn unanswered() -> Error {
    Error::DeviceLost { reason: format!("no answer for {} s", PATIENCE.as_secs()) }
}
