//! Host time of one plan of ten small passes that runs a thousand times: what the engine itself costs, without what
//! kernels compute. Prints, per device, the median of wall time less what a GPU says of its passes, and resident memory.
//!
//! On the CPU backend a pass's time holds what it costs to hand out its work, and nothing is taken off: the twins
//! themselves take less than a microsecond, since the passes are that small.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

use std::time::{Duration, Instant};

use kerma::{
    engine::{
        Control, Device, Extent, Graph, Inputs, Numerics, Output, Plan, RunReport, Session, adapters, open_adapter,
    },
    kernels::pointwise::{scale_add, transmission},
};

const RUNS: usize = 1000;
const PASSES: usize = 10;
const SIDE: usize = 16;

fn record<'a>(graph: &mut Graph<'a>, values: &'a [f32]) -> Output<f32> {
    let first = graph.upload("bench.values", Extent::new(1, SIDE, SIDE), values);
    let mut last = first;
    for _ in 0..PASSES / 2 {
        last = transmission::record(graph, last);
        last = scale_add::record(graph, 0.5, last, 0.25, first);
    }
    graph.result(last)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Resident memory of the process in KiB, where the system says it.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

fn repeat(device: &Device, name: &str, mut run: impl FnMut() -> RunReport) {
    let (mut times, mut resident) = (Vec::with_capacity(RUNS), [None; 2]);
    for index in 0..RUNS {
        if index == RUNS / 10 {
            resident[0] = resident_kib();
        }
        let start = Instant::now();
        let report = run();
        let wall = start.elapsed();
        let on_device = report.passes.iter().map(|pass| pass.time).sum();
        times.push(if device.adapter().is_some() { wall.saturating_sub(on_device) } else { wall });
    }
    resident[1] = resident_kib();
    let [early, late] = resident.map(|kib| kib.map_or_else(|| "?".to_owned(), |kib| format!("{kib} KiB")));
    println!(
        "{name}: {:.1} µs a run; resident {early} after a tenth, {late} at the end",
        median(times).as_secs_f64() * 1e6
    );
}

fn one_plan(device: &Device, name: &str) {
    let values: Vec<f32> = (0..SIDE * SIDE).map(|i| i as f32 / 4096.0).collect();
    let mut graph = Graph::new();
    let output = record(&mut graph, &values);
    let plan = Plan::new(&graph, device.limits()).expect("the graph fits the device");
    repeat(device, &format!("{name}, one run after the other"), || {
        let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).expect("the plan runs");
        assert_eq!(outputs.take(output).expect("it is an output of the graph").len(), SIDE * SIDE);
        outputs.report
    });
    let mut session = Session::new(device);
    let plan = Plan::repeated(&graph, session.limits()).expect("the graph fits the device");
    let mut prepared = pollster::block_on(session.prepare(plan)).expect("the plan fits the session");
    repeat(device, &format!("{name}, prepared"), || {
        let (inputs, control) = (Inputs::new(), Control::default());
        let run = session.run(&mut prepared, &inputs, &control);
        let mut outputs = pollster::block_on(run).expect("the plan runs");
        assert_eq!(outputs.take(output).expect("it is an output of the graph").len(), SIDE * SIDE);
        outputs.report
    });
}

fn main() {
    one_plan(&Device::cpu(), "cpu");
    for (index, adapter) in pollster::block_on(adapters()).iter().enumerate() {
        let device = pollster::block_on(open_adapter(index, Numerics::Pinned)).expect("the adapter opens");
        one_plan(&device, &adapter.name);
    }
}
