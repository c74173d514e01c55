//! State that stays on a device: prepared plans, inputs, kept buffers, and what is refused of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod adapters;
#[path = "../../examples/landweber.rs"]
#[expect(dead_code, reason = "an example has a main function")]
mod example;

use std::sync::atomic::{AtomicUsize, Ordering};

use adapters::{Software, opened};
use kerma::{
    engine::{
        Control, Counts, Device, Error, Extent, Graph, Input, Inputs, Kept, Limits, Numerics, Output, Plan, Prepared,
        Session,
    },
    kernels::{
        pointwise::{add_scaled, fill, multiply, scale_add, transmission},
        statistics,
    },
};
use pollster::block_on;

/// The CPU backend, which is the reference, then both adapters.
fn on_each(mut check: impl FnMut(&Device)) {
    check(&Device::cpu());
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        if let Some(device) = opened(adapter, Numerics::Pinned) {
            check(&device);
        }
    }
}

fn is_gpu(device: &Device) -> bool {
    device.adapter().is_some()
}

/// Limits under which a buffer of the tests has several parts.
fn narrow(device: &Device) -> Limits {
    match is_gpu(device) {
        true => Limits { binding_bytes: 7 * 3 * 4 * 4, dispatch_operations: 2e3, ..device.limits() },
        false => Limits { dispatch_operations: 2e3, ..device.limits() },
    }
}

const EXTENT: Extent = Extent { slices: 5, rows: 4, columns: 7 };

/// Values that are different for each number.
fn values(number: usize) -> Vec<f32> {
    (0..EXTENT.elements() as usize).map(|i| ((i * 7 + number * 13) % 29) as f32 / 16.0).collect()
}

/// sum ← ½·sum + input + table: a graph that imports, keeps, takes an input and has a table that never changes.
fn accumulate<'a>(graph: &mut Graph<'a>, sum: Kept<f32>, table: &'a [f32]) -> (Input<f32>, Output<f32>) {
    let before = graph.import(sum);
    let input = graph.input("test.input", EXTENT);
    let table = graph.upload("test.table", EXTENT, table);
    let terms = scale_add::record(graph, 1.0, input.buffer(), 1.0, table);
    let after = scale_add::record(graph, 0.5, before, 1.0, terms);
    graph.keep(after, sum);
    (input, graph.result(after))
}

#[test]
fn kept_buffers_go_from_run_to_run() {
    let table = values(99);
    let mut want = vec![0.0_f32; table.len()];
    let mut expected = Vec::new();
    for number in 0..6 {
        for ((sum, input), table) in want.iter_mut().zip(values(number)).zip(&table) {
            *sum = 0.5 * *sum + (input + table);
        }
        expected.push(want.clone());
    }
    on_each(|device| {
        for limits in [device.limits(), narrow(device)] {
            let mut session = Session::with_limits(device, limits);
            let sum = session.keep::<f32>("test.sum", EXTENT).unwrap();
            let mut graph = Graph::new();
            let (input, output) = accumulate(&mut graph, sum, &table);
            let mut plan = block_on(session.prepare(Plan::repeated(&graph, limits).unwrap())).unwrap();
            for (number, want) in expected.iter().enumerate() {
                let values = values(number);
                let inputs = Inputs::new().with(input, &values);
                let mut outputs = block_on(session.run(&mut plan, &inputs, &Control::default())).unwrap();
                assert_eq!(outputs.take(output).unwrap(), *want);
                assert_eq!(block_on(session.read(sum)).unwrap(), *want);
            }
            block_on(session.write(sum, &table)).unwrap();
            assert_eq!(block_on(session.read(sum)).unwrap(), table);
        }
    });
}

/// A run of what never changes uploads nothing, and no run but the first allocates.
#[test]
fn runs_of_a_prepared_plan_upload_inputs_alone_and_allocate_nothing() {
    on_each(|device| {
        let (table, data) = (values(1), values(2));
        let mut session = Session::new(device);
        let sum = session.keep::<f32>("test.sum", EXTENT).unwrap();
        let mut graph = Graph::new();
        let (input, _) = accumulate(&mut graph, sum, &table);
        let mut plan = block_on(session.prepare(Plan::repeated(&graph, session.limits()).unwrap())).unwrap();
        let inputs = Inputs::new().with(input, &data);
        let mut run = || {
            let before = session.counts();
            block_on(session.run(&mut plan, &inputs, &Control::default())).unwrap();
            session.counts() - before
        };
        let _first = run();
        for _ in 0..5 {
            let Counts { allocations, uploaded_words, read_words, submissions, .. } = run();
            if is_gpu(device) {
                let words = EXTENT.elements();
                assert_eq!((allocations, uploaded_words, submissions), (0, words, 1));
                // The output, and perhaps timestamps.
                assert!(read_words >= words);
            } else {
                // The output of the kept buffer is a copy: a run hands it to the caller.
                assert_eq!((allocations, uploaded_words, read_words, submissions), (1, 0, 0, 0));
            }
        }
    });
}

/// The host may take what an earlier run came to while a later one is on the device.
#[test]
fn a_scalar_is_read_while_later_runs_are_under_way() {
    on_each(|device| {
        let mut session = Session::new(device);
        let x = session.keep::<f32>("test.x", EXTENT).unwrap();
        let mut graph = Graph::new();
        let before = graph.import(x);
        let one = fill::record(&mut graph, EXTENT, 1.0);
        let after = scale_add::record(&mut graph, 1.0, before, 1.0, one);
        graph.keep(after, x);
        let scalars = statistics::record(&mut graph, after);
        let sum = graph.result(scalars);
        let mut plan = block_on(session.prepare(Plan::repeated(&graph, session.limits()).unwrap())).unwrap();
        let (inputs, control) = (Inputs::new(), Control::default());
        let before = session.counts();
        let runs: Vec<_> = (0..3).map(|_| block_on(session.start(&mut plan, &inputs, &control)).unwrap()).collect();
        assert_eq!((session.counts() - before).blocking_reads, 0);
        for (number, running) in runs.into_iter().enumerate() {
            let mut outputs = block_on(session.finish(running, &control)).unwrap();
            let want = (number + 1) as f32;
            assert_eq!(outputs.take(sum).unwrap(), [[want, want, want * EXTENT.elements() as f32, 0.0]]);
        }
    });
}

/// Fifty iterations without the host: no upload, no allocation, no blocking read; and the bits of the CPU on every device.
#[test]
fn landweber_iterates_on_the_device_alone() {
    let scan = example::scan().unwrap();
    let mut reference = None;
    on_each(|device| {
        for binding_bytes in [device.limits().binding_bytes, 4 * 24 * 24 * 4] {
            if !is_gpu(device) && binding_bytes < device.limits().binding_bytes {
                continue;
            }
            let limits = Limits { binding_bytes, ..device.limits() };
            let found = block_on(example::landweber(device, limits, &scan)).unwrap();
            println!("{:?}: residual {}, {:?}", device.adapter().map(|a| &a.name), found.residual, found.counts);
            let Counts { allocations, uploaded_words, read_words, blocking_reads, submissions, .. } = found.counts;
            assert_eq!((uploaded_words, read_words, blocking_reads), (0, 0, 0));
            // On the CPU the first iteration allocates what is between the passes.
            assert!(allocations <= if is_gpu(device) { 0 } else { 2 }, "{allocations}");
            assert_eq!(submissions, if is_gpu(device) { example::ITERATIONS as u64 } else { 0 });
            assert!(found.residual < 0.12, "{}", found.residual);
            let reference = reference.get_or_insert_with(|| found.volume.clone());
            assert!(found.volume == *reference, "other bits");
        }
    });
}

/// Conjugate gradients for a diagonal system: step lengths are quotients of scalar products, which never visit the host.
#[test]
fn step_lengths_of_conjugate_gradients_stay_on_the_device() {
    const ITERATIONS: usize = 8;
    // Five different values on the diagonal: conjugate gradients are done after five steps.
    let count = EXTENT.elements() as usize;
    let diagonal: Vec<f32> = (0..count).map(|i| 1.0 + (i % 5) as f32).collect();
    let right: Vec<f32> = (0..count).map(|i| ((i * 7) % 11) as f32 / 8.0 - 0.5).collect();
    let mut reference = None;
    on_each(|device| {
        let mut session = Session::new(device);
        let mut keep = |label: &str| session.keep::<f32>(label, EXTENT).unwrap();
        let [x, r, p] = ["test.x", "test.r", "test.p"].map(&mut keep);
        for kept in [r, p] {
            block_on(session.write(kept, &right)).unwrap();
        }
        let mut graph = Graph::new();
        let [x0, r0, p0] = [x, r, p].map(|kept| graph.import(kept));
        let diagonal = graph.upload("test.diagonal", EXTENT, &diagonal);
        let product = |graph: &mut Graph<'_>, a, b| {
            let products = multiply::record(graph, a, b);
            statistics::record(graph, products)
        };
        let q = multiply::record(&mut graph, diagonal, p0);
        let (rho, curvature) = (product(&mut graph, r0, r0), product(&mut graph, p0, q));
        let x1 = add_scaled::record(&mut graph, x0, 1.0, [rho, curvature], p0);
        let r1 = add_scaled::record(&mut graph, r0, -1.0, [rho, curvature], q);
        let next = product(&mut graph, r1, r1);
        let p1 = add_scaled::record(&mut graph, r1, 1.0, [next, rho], p0);
        for (buffer, kept) in [(x1, x), (r1, r), (p1, p)] {
            graph.keep(buffer, kept);
        }
        let mut step = block_on(session.prepare(Plan::repeated(&graph, session.limits()).unwrap())).unwrap();
        let before = session.counts();
        let (inputs, control) = (Inputs::new(), Control::default());
        for _ in 0..ITERATIONS {
            let _ = block_on(session.start(&mut step, &inputs, &control)).unwrap();
        }
        let counts = session.counts() - before;
        assert_eq!((counts.uploaded_words, counts.read_words, counts.blocking_reads), (0, 0, 0));
        let found = block_on(session.read(x)).unwrap();
        for (i, value) in found.iter().enumerate() {
            let want = right[i] / (1.0 + (i % 5) as f32);
            assert!((value - want).abs() < 1e-5, "{i}: {value}, {want}");
        }
        assert!(found == *reference.get_or_insert_with(|| found.clone()), "other bits");
    });
}

fn counting<'a>(session: &mut Session, graph: &'a mut Graph<'static>, x: Kept<f32>) -> Prepared<'a, 'static> {
    let before = graph.import(x);
    let one = fill::record(graph, EXTENT, 1.0);
    let after = scale_add::record(graph, 1.0, before, 1.0, one);
    graph.keep(after, x);
    block_on(session.prepare(Plan::repeated(graph, session.limits()).unwrap())).unwrap()
}

#[test]
fn a_loop_that_is_cancelled_leaves_a_session_that_works() {
    on_each(|device| {
        let mut session = Session::with_limits(device, Limits { dispatch_operations: 1.0, ..device.limits() });
        let x = session.keep::<f32>("test.x", EXTENT).unwrap();
        let mut graph = Graph::new();
        let mut plan = counting(&mut session, &mut graph, x);
        let asked = AtomicUsize::new(0);
        let is_cancelled = || asked.fetch_add(1, Ordering::Relaxed) > 16;
        let control = Control { is_cancelled: &is_cancelled, ..Control::default() };
        let mut done = 0;
        let error = loop {
            match block_on(session.start(&mut plan, &Inputs::new(), &control)) {
                Ok(_) => done += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error, Error::Cancelled);
        // What was whole stays; the run that was cancelled kept nothing.
        assert_eq!(block_on(session.read(x)).unwrap(), vec![done as f32; EXTENT.elements() as usize]);
        block_on(session.run(&mut plan, &Inputs::new(), &Control::default())).unwrap();
        assert_eq!(block_on(session.read(x)).unwrap()[0], (done + 1) as f32);
    });
}

#[test]
fn what_does_not_belong_together_is_refused_by_name() {
    on_each(|device| {
        let (mut one, mut two) = (Session::new(device), Session::new(device));
        let x = one.keep::<f32>("test.x", EXTENT).unwrap();
        let table = values(3);
        let mut graph = Graph::new();
        let (input, _) = accumulate(&mut graph, x, &table);
        let plan = || Plan::repeated(&graph, device.limits()).unwrap();
        let is_other = |error: Option<Error>| matches!(error, Some(Error::OtherSession { .. }));

        // A kept buffer of a session that is closed, or of another one; a plan and a run of another session.
        assert!(is_other(block_on(two.prepare(plan())).err()));
        let mut prepared = block_on(one.prepare(plan())).unwrap();
        let inputs = Inputs::new().with(input, &table);
        let control = Control::default();
        assert!(is_other(block_on(two.start(&mut prepared, &inputs, &control)).err()));
        let running = block_on(one.start(&mut prepared, &inputs, &control)).unwrap();
        assert!(is_other(block_on(two.finish(running, &control)).err()));
        assert!(is_other(block_on(two.read(x)).err()));
        assert!(is_other(block_on(device.run(&plan(), &control)).err()));

        // Inputs.
        let missing = block_on(one.run(&mut prepared, &Inputs::new(), &control)).unwrap_err();
        assert_eq!(missing.to_string(), "input test.input: no data were given for it");
        let short = Inputs::new().with(input, &table[1..]);
        let error = block_on(one.run(&mut prepared, &short, &control)).unwrap_err();
        assert_eq!(error, Error::BufferSize { buffer: "test.input".into(), needed: 140, got: 139 });
        let mut other = Graph::new();
        let stranger = other.input::<f32>("test.stranger", EXTENT);
        let strange = Inputs::new().with(input, &table).with(stranger, &table);
        let error = block_on(one.run(&mut prepared, &strange, &control)).unwrap_err();
        assert_eq!(error, Error::OtherGraph { place: "inputs of a run".into() });

        // Limits that are not the session's.
        let narrow = Plan::repeated(&graph, narrow(device)).unwrap();
        assert_eq!(block_on(one.prepare(narrow)).err(), Some(Error::OtherLimits));

        // Shapes, and what is kept twice.
        let error = |record: &dyn Fn(&mut Graph<'_>)| {
            let mut graph = Graph::new();
            record(&mut graph);
            Plan::repeated(&graph, device.limits()).err()
        };
        let small = Extent { slices: 4, ..EXTENT };
        let size = error(&|graph| {
            let filled = fill::record(graph, small, 1.0);
            graph.keep(filled, x);
        });
        assert!(matches!(size, Some(Error::BufferSize { needed: 5, got: 4, .. })), "{size:?}");
        let twice = error(&|graph| {
            let filled = fill::record(graph, EXTENT, 1.0);
            graph.keep(filled, x);
            graph.keep(filled, x);
        });
        assert!(matches!(twice, Some(Error::NamedTwice { .. })), "{twice:?}");
        let itself = error(&|graph| {
            let import = graph.import(x);
            graph.keep(import, x);
        });
        assert!(matches!(itself, Some(Error::NamedTwice { .. })), "{itself:?}");
        let unwritten = error(&|graph| {
            let empty = graph.buffer::<f32>("test.empty", EXTENT);
            graph.keep(empty, x);
        });
        assert!(matches!(unwritten, Some(Error::ReadBeforeWrite { .. })), "{unwritten:?}");
    });
}

#[test]
fn a_budget_counts_everything_that_a_session_holds() {
    on_each(|device| {
        let bytes = EXTENT.elements() * 4;
        let budget = Limits { memory_bytes: 4 * bytes, ..device.limits() };
        let mut session = Session::with_limits(device, budget);
        let held = |session: &Session| {
            let held = session.held_bytes();
            if is_gpu(device) { held.device } else { held.host }
        };
        let x = session.keep::<f32>("test.x", EXTENT).unwrap();
        assert_eq!(held(&session), bytes);
        let mut graph = Graph::new();
        let before = graph.import(x);
        let after = transmission::record(&mut graph, before);
        graph.keep(after, x);
        let plan = || Plan::repeated(&graph, budget).unwrap();
        let first = block_on(session.prepare(plan())).unwrap();
        assert_eq!(held(&session), 2 * bytes);
        let _second = block_on(session.prepare(plan())).unwrap();
        let _y = session.keep::<f32>("test.y", EXTENT).unwrap();
        let refused = Some(Error::MemoryBudget { needed_bytes: 5 * bytes, budget_bytes: 4 * bytes });
        assert_eq!(block_on(session.prepare(plan())).err(), refused);
        assert_eq!(session.keep::<f32>("test.z", EXTENT).err(), refused);
        drop(first);
        assert!(block_on(session.prepare(plan())).is_ok());
    });
}

#[test]
fn a_lost_device_ends_a_session_with_what_it_kept() {
    on_each(|device| {
        if !is_gpu(device) {
            return;
        }
        let mut session = Session::new(device);
        let x = session.keep::<f32>("test.x", EXTENT).unwrap();
        let mut graph = Graph::new();
        let mut plan = counting(&mut session, &mut graph, x);
        let (inputs, control) = (Inputs::new(), Control::default());
        block_on(session.run(&mut plan, &inputs, &control)).unwrap();
        let running = block_on(session.start(&mut plan, &inputs, &control)).unwrap();
        device.lose();
        let errors = [
            block_on(session.finish(running, &control)).err(),
            block_on(session.run(&mut plan, &inputs, &control)).err(),
            block_on(session.read(x)).err(),
            session.keep::<f32>("test.y", EXTENT).err(),
        ];
        for (index, error) in errors.iter().enumerate() {
            assert!(matches!(error, Some(Error::DeviceLost { .. })), "{index}: {error:?}");
        }
    });
}
