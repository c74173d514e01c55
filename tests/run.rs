//! Running on the CPU backend: results, progress, cancelling.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use kerma::{
    engine::{Control, Device, Error, Extent, Graph, Limits, Output, Plan},
    kernels::pointwise::{fill, scale_add, transmission},
};

/// So many passes of several dispatches each.
fn chain(passes: usize) -> (Graph<'static>, Output<f32>) {
    let mut graph = Graph::new();
    let mut last = fill::record(&mut graph, Extent::new(1, 64, 100), 0.5);
    for _ in 1..passes {
        last = transmission::record(&mut graph, last);
    }
    let output = graph.result(last);
    (graph, output)
}

/// Limits under which a row is a dispatch.
fn row_by_row(device: &Device) -> Limits {
    Limits { dispatch_operations: 1.0, ..device.limits() }
}

#[test]
fn progress_is_monotone_and_ends_at_one() {
    let device = Device::cpu();
    let (graph, _) = chain(4);
    let plan = Plan::new(&graph, row_by_row(&device)).unwrap();
    let seen = Mutex::new(Vec::new());
    let progress = |p: kerma::engine::Progress<'_>| seen.lock().unwrap().push((p.pass.to_owned(), p.fraction));
    pollster::block_on(device.run(&plan, &Control { progress: &progress, ..Control::default() })).unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(seen.len() > plan.dispatch_count() / 2, "{} calls", seen.len());
    assert!(seen.windows(2).all(|w| w[0].1 <= w[1].1));
    assert_eq!((seen[0].0.as_str(), seen[0].1), ("fill", 0.0));
    assert_eq!(seen.last().unwrap(), &("done".to_owned(), 1.0));
}

#[test]
fn a_run_that_is_cancelled_stops_there() {
    let device = Device::cpu();
    let (graph, _) = chain(4);
    let plan = Plan::new(&graph, row_by_row(&device)).unwrap();
    let asked = AtomicUsize::new(0);
    let is_cancelled = || asked.fetch_add(1, Ordering::Relaxed) == 5;
    let control = Control { is_cancelled: &is_cancelled, ..Control::default() };
    let run = device.run(&plan, &control);
    assert_eq!(pollster::block_on(run).unwrap_err(), Error::Cancelled);
    assert_eq!(asked.into_inner(), 6);
}

#[test]
fn the_same_plan_runs_again() {
    let device = Device::cpu();
    let (graph, output) = chain(3);
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let run = || pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap();
    assert_eq!(run(), run());
}

/// The first download took the buffer away, and later passes found it empty.
#[test]
fn a_buffer_may_be_downloaded_before_and_after_it_is_changed() {
    let device = Device::cpu();
    let mut graph = Graph::new();
    let x = fill::record(&mut graph, Extent::table(5), 2.0);
    let before = graph.result(x);
    let doubled = scale_add_to_itself(&mut graph, x);
    let again = graph.result(x);
    let after = graph.result(doubled);
    graph.clear(x);
    let cleared = graph.result(x);
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    assert_eq!(outputs.take(before).unwrap(), [2.0; 5]);
    assert_eq!(outputs.take(again).unwrap(), [2.0; 5]);
    assert_eq!(outputs.take(after).unwrap(), [4.0; 5]);
    assert_eq!(outputs.take(cleared).unwrap(), [0.0; 5]);
}

fn scale_add_to_itself(graph: &mut Graph<'_>, x: kerma::engine::Buffer<f32>) -> kerma::engine::Buffer<f32> {
    let copy = graph.buffer("test.copy", graph.extent(x));
    graph.copy(x, copy);
    scale_add::record(graph, 1.0, x, 1.0, copy)
}

#[test]
fn outputs_are_gathered_from_several_downloads() {
    let device = Device::cpu();
    let mut graph = Graph::new();
    let output = graph.output::<f32>("test.output", 7);
    let (one, two) = (fill::record(&mut graph, Extent::table(3), 1.0), fill::record(&mut graph, Extent::table(2), 2.0));
    graph.download(two, output, 5);
    graph.download(one, output, 1);
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    assert_eq!(outputs.take(output).unwrap(), [0.0, 1.0, 1.0, 1.0, 0.0, 2.0, 2.0]);
    assert!(outputs.take(output).unwrap().is_empty());
}

#[test]
fn outputs_of_another_graph_are_refused() {
    let device = Device::cpu();
    let ((graph, output), (_, other)) = (chain(2), chain(2));
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    assert_eq!(outputs.take(other).unwrap_err(), Error::OtherGraph { place: "outputs of a run".into() });
    assert_eq!(outputs.take(output).unwrap().len(), 6400);
}

/// Pairs of half-words may begin in the middle of a word.
#[test]
fn data_that_begin_within_a_word_are_uploaded_all_the_same() {
    let device = Device::cpu();
    let halves: Vec<u16> = (0..42).collect();
    for first in [0, 1] {
        let pairs: &[[u16; 2]] = bytemuck::cast_slice(&halves[first..first + 40]);
        let mut graph = Graph::new();
        let uploaded = graph.upload("test.pairs", Extent::new(1, 2, 10), pairs);
        let (output, table) = (graph.result(uploaded), graph.upload_table("test.table", pairs));
        let table = graph.result(table);
        let plan = Plan::new(&graph, device.limits()).unwrap();
        let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
        assert_eq!(outputs.take(output).unwrap(), pairs);
        assert_eq!(outputs.take(table).unwrap(), pairs);
    }
}

#[test]
fn every_pass_can_be_tapped() {
    let device = Device::cpu();
    let (mut graph, _) = chain(2);
    let taps = graph.tap();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    let names: Vec<&str> = taps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["fill: fill.filled", "transmission: transmission.signal"]);
    assert_eq!(outputs.take(taps[0].1).unwrap(), [0.5_f32.to_bits(); 6400]);
}
