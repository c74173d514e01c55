//! The devices that every benchmark compares: the CPU backend and, if there is one, the first adapter.

use criterion::{BenchmarkGroup, BenchmarkId, Throughput, measurement::WallTime};
use kerma::engine::{Choice, Control, Device, Graph, Numerics, Plan};

/// CPU backend first, then `gpu`, software adapters included.
pub(crate) fn devices() -> Vec<(String, Device)> {
    let mut devices = vec![("cpu twin".to_owned(), Device::cpu())];
    if let Ok(device) = pollster::block_on(Device::open(Choice::Gpu, Numerics::Pinned)) {
        let name = device.adapter().map_or_else(|| "gpu".to_owned(), |a| a.name.clone());
        devices.push((name, device));
    }
    devices
}

/// Times one graph on every device, transfers included; `elements` is what the throughput counts.
pub(crate) fn compare(group: &mut BenchmarkGroup<'_, WallTime>, size: &str, elements: u64, graph: &Graph<'_>) {
    group.sample_size(10);
    group.throughput(Throughput::Elements(elements));
    for (name, device) in devices() {
        let plan = Plan::new(graph, device.limits()).expect("the graph fits the device");
        group.bench_function(BenchmarkId::new(name, size), |b| {
            b.iter(|| pollster::block_on(device.run(&plan, &Control::default())).expect("the plan runs"));
        });
    }
}
