//! The engine on software adapters: rings, parts, cancelling, loss.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod adapters;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use adapters::{Software, opened};
use kerma::{
    engine::{Control, Device, Error, Extent, Graph, Limits, Numerics, Plan, Progress},
    kernels::pointwise::{fill, scale_add, transmission},
    wgpu,
};

const BOTH: [Software; 2] = [Software::Lavapipe, Software::SwiftShader];

fn on_each(check: impl Fn(&Device)) {
    for adapter in BOTH {
        if let Some(device) = opened(adapter, Numerics::Pinned) {
            check(&device);
        }
    }
}

/// Slices and rows of four thousand numbers, 36 MB in all: more than a ring of three chunks of 8 MiB.
const LARGE: [usize; 3] = [9, 250, 4000];

fn round_trip(device: &Device, limits: Limits) {
    let extent = Extent::new(LARGE[0], LARGE[1], LARGE[2]);
    let data: Vec<u32> = (0..extent.elements() as u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
    let mut graph = Graph::new();
    let uploaded = graph.upload("test.uploaded", extent, &data);
    let copied = graph.buffer("test.copied", extent);
    graph.copy(uploaded, copied);
    let output = graph.result(copied);
    let plan = Plan::new(&graph, limits).unwrap();
    let found = pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap();
    assert!(found == data);
}

#[test]
fn transfers_larger_than_the_ring_arrive_whole() {
    on_each(|device| round_trip(device, device.limits()));
}

#[test]
fn buffers_in_parts_arrive_whole() {
    // Two slices to a part; then parts of slices that are no multiple of a chunk.
    for binding_bytes in [2 * 250 * 4000 * 4, 177 * 4000 * 4] {
        on_each(|device| round_trip(device, Limits { binding_bytes, ..device.limits() }));
    }
}

/// A chain of passes of many dispatches each.
fn chain() -> Graph<'static> {
    let mut graph = Graph::new();
    let mut last = fill::record(&mut graph, Extent::new(1, 1000, 64), 0.5);
    for _ in 0..3 {
        last = transmission::record(&mut graph, last);
    }
    graph.result(last);
    graph
}

fn row_by_row(device: &Device) -> Limits {
    Limits { dispatch_operations: 1.0, ..device.limits() }
}

#[test]
fn progress_is_monotone_and_ends_at_one() {
    on_each(|device| {
        let graph = chain();
        let plan = Plan::new(&graph, row_by_row(device)).unwrap();
        assert_eq!(plan.dispatch_count(), 4000);
        let seen = Mutex::new(Vec::new());
        let progress = |p: Progress<'_>| seen.lock().unwrap().push(p.fraction);
        pollster::block_on(device.run(&plan, &Control { progress: &progress, ..Control::default() })).unwrap();
        let seen = seen.into_inner().unwrap();
        assert!(seen.len() > 100 && seen.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!((seen[0], seen[seen.len() - 1]), (0.0, 1.0));
    });
}

/// A query set holds 2048 stretches of a run: longer ones had no times at all.
#[test]
fn passes_are_timed_however_many_there_are() {
    const PASSES: usize = 2100;
    on_each(|device| {
        let features = &device.adapter().unwrap().features;
        let mut graph = Graph::new();
        let mut last = fill::record(&mut graph, Extent::new(1, 64, 64), 0.5);
        for _ in 1..PASSES {
            last = transmission::record(&mut graph, last);
        }
        graph.result(last);
        let plan = Plan::new(&graph, device.limits()).unwrap();
        let report = pollster::block_on(device.run(&plan, &Control::default())).unwrap().report;
        // Passes too short for the device's clock have no time; half of them are not.
        let wanted = if features.contains(&"timestamps") { PASSES / 2..PASSES + 1 } else { 0..1 };
        assert!(wanted.contains(&report.passes.len()), "{} of {PASSES}", report.passes.len());
    });
}

#[test]
fn a_run_that_is_cancelled_leaves_a_device_that_works() {
    on_each(|device| {
        let graph = chain();
        let plan = Plan::new(&graph, row_by_row(device)).unwrap();
        let asked = AtomicUsize::new(0);
        let is_cancelled = || asked.fetch_add(1, Ordering::Relaxed) == 9;
        let control = Control { is_cancelled: &is_cancelled, ..Control::default() };
        let run = device.run(&plan, &control);
        assert_eq!(pollster::block_on(run).unwrap_err(), Error::Cancelled);
        assert_eq!(asked.into_inner(), 10);
        assert!(pollster::block_on(device.run(&plan, &Control::default())).is_ok());
    });
}

#[test]
fn a_lost_device_is_an_error_before_and_during_a_run() {
    on_each(|device| {
        let graph = chain();
        let plan = Plan::new(&graph, row_by_row(device)).unwrap();
        let lose = |p: Progress<'_>| {
            if p.fraction > 0.3 {
                device.lose();
            }
        };
        let during = pollster::block_on(device.run(&plan, &Control { progress: &lose, ..Control::default() }));
        let Err(error @ Error::DeviceLost { .. }) = during else { panic!("{during:?}") };
        assert!(error.is_device_failure());
        let after = pollster::block_on(device.run(&plan, &Control::default()));
        assert!(matches!(after, Err(Error::DeviceLost { .. })), "{after:?}");
    });
}

#[test]
fn a_device_lost_among_transfers_is_an_error() {
    on_each(|device| {
        let extent = Extent::new(LARGE[0], LARGE[1], LARGE[2]);
        let data = vec![1.0_f32; extent.elements() as usize];
        let mut graph = Graph::new();
        let first = graph.upload("test.first", extent, &data);
        let second = transmission::record(&mut graph, first);
        let third = graph.upload("test.third", extent, &data);
        let sum = scale_add::record(&mut graph, 1.0, second, 1.0, third);
        graph.result(sum);
        let plan = Plan::new(&graph, device.limits()).unwrap();
        // The first pass is told before it runs: what follows are its dispatch, an upload and a download.
        let lose = |_: Progress<'_>| device.lose();
        let found = pollster::block_on(device.run(&plan, &Control { progress: &lose, ..Control::default() }));
        assert!(matches!(found, Err(Error::DeviceLost { .. })), "{found:?}");
    });
}

#[test]
fn a_budget_is_kept_and_what_exceeds_it_refused() {
    let Some(device) = opened(Software::Lavapipe, Numerics::Pinned) else { return };
    let graph = chain();
    let needed = Plan::new(&graph, device.limits()).unwrap().peak_bytes().device;
    let device = device.with_memory_budget(needed - 1);
    let refused = Plan::new(&graph, device.limits()).err().unwrap();
    assert_eq!(refused, Error::MemoryBudget { needed_bytes: needed, budget_bytes: needed - 1 });
    let device = device.with_memory_budget(needed);
    let plan = Plan::new(&graph, device.limits()).unwrap();
    assert!(pollster::block_on(device.run(&plan, &Control::default())).is_ok());
    // A plan made with more than the device now has is not run.
    let wide = Plan::new(&graph, Limits { memory_bytes: u64::MAX, ..device.limits() }).unwrap();
    assert_eq!(pollster::block_on(device.run(&wide, &Control::default())).unwrap_err(), Error::OtherLimits);
}

#[test]
fn a_device_opened_elsewhere_gives_the_same_bits() {
    let graph_and_output = || {
        let mut graph = Graph::new();
        let x = fill::record(&mut graph, Extent::new(3, 50, 65), 0.7);
        let y = transmission::record(&mut graph, x);
        let output = graph.result(y);
        (graph, output)
    };
    let (graph, output) = graph_and_output();
    let bits = |device: &Device| {
        let plan = Plan::new(&graph, device.limits()).unwrap();
        let values = pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap();
        values.into_iter().map(f32::to_bits).collect::<Vec<u32>>()
    };
    let wanted = bits(&Device::cpu());
    on_each(|device| {
        let name = &device.adapter().unwrap().name;
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
        let adapter = adapters.into_iter().find(|adapter| adapter.get_info().name == *name).unwrap();
        let (gpu, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
        let given = pollster::block_on(Device::from_wgpu(gpu, queue, Numerics::Pinned)).unwrap();
        assert_eq!(given.adapter().unwrap().name, *name);
        assert_eq!(bits(&given), wanted);
        assert!(given.handles().unwrap().origin.is_none());
        given.lose();
        let plan = Plan::new(&graph, given.limits()).unwrap();
        let after = pollster::block_on(given.run(&plan, &Control::default()));
        assert!(matches!(after, Err(Error::DeviceLost { .. })), "{after:?}");
    });
}

/// Wakes a thread and counts how often.
struct Alarm {
    thread: Thread,
    rings: AtomicUsize,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rings.fetch_add(1, Ordering::SeqCst);
        self.thread.unpark();
    }
}

#[test]
fn a_wait_is_the_executors_and_ends_with_its_waker() {
    on_each(|device| {
        let graph = chain();
        let plan = Plan::new(&graph, device.limits()).unwrap();
        let control = Control::default();
        let mut run = pin!(device.run(&plan, &control));
        let alarm = Arc::new(Alarm { thread: thread::current(), rings: AtomicUsize::new(0) });
        let waker = Waker::from(alarm.clone());
        let mut pending = 0;
        loop {
            match run.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => break assert!(result.is_ok()),
                Poll::Pending => pending += 1,
            }
            // Without being woken the future is not asked again.
            while alarm.rings.load(Ordering::SeqCst) < pending {
                thread::park_timeout(Duration::from_secs(60));
            }
        }
        assert!(pending > 0);
    });
}

#[test]
fn two_runs_wait_side_by_side_on_one_thread() {
    on_each(|device| {
        let graphs = [chain(), chain()];
        let plans = graphs.each_ref().map(|graph| Plan::new(graph, device.limits()).unwrap());
        let control = Control::default();
        let [mut first, mut second] = plans.each_ref().map(|plan| Box::pin(device.run(plan, &control)));
        let mut is_done = [false; 2];
        let both = poll_fn(|context| {
            for (run, is_done) in [&mut first, &mut second].into_iter().zip(&mut is_done) {
                if !*is_done && let Poll::Ready(result) = run.as_mut().poll(context) {
                    assert!(result.is_ok());
                    *is_done = true;
                }
            }
            if is_done == [true; 2] { Poll::Ready(()) } else { Poll::Pending }
        });
        pollster::block_on(both);
    });
}
