//! Outputs of the engine as tensors on the same GPU: the bits of a download, no way through the host.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../../kernels-tests/tests/adapters/mod.rs"]
mod adapters;

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use adapters::{Software, opened};
use burn::tensor::{Device, Tensor, wgpu::wgpu};
use kerma::{
    engine::{self, Control, Export, Extent, Graph, Handles, Limits, Numerics, Output, Plan},
    kernels::noise::{Stream, normal},
};
use kerma_nn::{Error, beside, filled};

/// Slices, rows and columns of the noise that is exported.
const SIZE: [usize; 3] = [3, 37, 50];
const ELEMENTS: usize = SIZE[0] * SIZE[1] * SIZE[2];

/// An adapter's engine and burn's device on it.
fn on_each(check: impl Fn(&engine::Device, &Device)) {
    static OPENED: [OnceLock<Option<(engine::Device, Device)>>; 2] = [const { OnceLock::new() }; 2];
    for (slot, adapter) in OPENED.iter().zip([Software::Lavapipe, Software::SwiftShader]) {
        let open = || {
            opened(adapter, Numerics::Pinned).map(|engine| {
                let device = beside(&engine).unwrap();
                (engine, device)
            })
        };
        if let Some((engine, device)) = slot.get_or_init(open) {
            check(engine, device);
        }
    }
}

/// A graph that draws noise slice by slice, each into its place of one output.
fn noise(seed: u64) -> (Graph<'static>, Output<f32>) {
    let mut graph = Graph::new();
    let output = graph.output("test.noise", ELEMENTS);
    let [slices, rows, columns] = SIZE;
    for slice in 0..slices {
        let noise = normal::record(&mut graph, Extent::new(1, rows, columns), &Stream::new(seed, slice as u32));
        graph.download(noise, output, slice * rows * columns);
    }
    (graph, output)
}

fn downloaded(engine: &engine::Device, seed: u64) -> Vec<u32> {
    downloads(engine, seed).unwrap()
}

fn downloads(engine: &engine::Device, seed: u64) -> Result<Vec<u32>, engine::Error> {
    let (graph, output) = noise(seed);
    let plan = Plan::new(&graph, engine.limits())?;
    let values = pollster::block_on(engine.run(&plan, &Control::default()))?.take(output)?;
    Ok(bits(&values))
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn bits_of(tensor: Tensor<4>) -> Vec<u32> {
    bits(&tensor.try_into_data().unwrap().try_to_vec::<f32>().unwrap())
}

fn shape() -> [usize; 4] {
    [SIZE[0], 1, SIZE[1], SIZE[2]]
}

fn exported(seed: u64, engine: &engine::Device, device: &Device) -> Tensor<4> {
    let (graph, output) = noise(seed);
    pollster::block_on(filled(&graph, output, shape(), engine, device)).unwrap()
}

#[test]
fn tensors_have_the_bits_of_downloads_among_burns_own_work() {
    on_each(|engine, device| {
        let [first, second] = [1, 2].map(|seed| downloaded(engine, seed));
        assert!(first != second, "the control: other seeds, other numbers");
        // Memory that burn has just used and given back is what it hands out next.
        for _ in 0..3 {
            let used = Tensor::<4>::ones(shape(), device) * 3.0;
            drop(used.clone() + used);
            let one = exported(1, engine, device);
            let doubled = one.clone() * 2.0;
            let two = exported(2, engine, device);
            let sum = one.clone() + two.clone();
            assert!(bits_of(one) == first && bits_of(two) == second);
            let [a, b] = [&first, &second].map(|all| all.iter().map(|bits| f32::from_bits(*bits)));
            assert!(bits_of(doubled).into_iter().eq(a.clone().map(|v| (v * 2.0).to_bits())));
            assert!(bits_of(sum).into_iter().eq(a.zip(b).map(|(a, b)| (a + b).to_bits())));
        }
    });
}

#[test]
fn tensors_on_the_cpu_and_on_other_devices_have_the_same_bits() {
    let cpu = engine::Device::cpu();
    let want = downloaded(&cpu, 1);
    assert!(bits_of(exported(1, &cpu, &Device::flex())) == want);
    on_each(|engine, device| {
        assert!(bits_of(exported(1, engine, &Device::flex())) == want);
        assert!(bits_of(exported(1, &cpu, device)) == want);
        let differentiated = exported(1, engine, &device.clone().autodiff());
        assert!(differentiated.is_autodiff() && bits_of(differentiated) == want);
    });
}

#[test]
fn a_tensor_of_another_size_is_refused() {
    let refused = |engine: &engine::Device, device: &Device| {
        let (graph, output) = noise(1);
        let [slices, rows, columns] = SIZE;
        for wrong in [[slices, 1, rows, columns + 1], [slices, 1, rows - 1, columns]] {
            let found = pollster::block_on(filled(&graph, output, wrong, engine, device));
            let Err(Error::Engine(engine::Error::BufferSize { .. })) = found else { panic!("{found:?}") };
        }
        assert!(bits_of(exported(1, engine, device)) == downloaded(engine, 1));
    };
    refused(&engine::Device::cpu(), &Device::flex());
    on_each(refused);
}

#[test]
fn a_tensor_larger_than_a_binding_is_refused_with_both_numbers() {
    on_each(|engine, device| {
        let limit = engine.handles().unwrap().device.limits().max_storage_buffer_binding_size;
        let rows = (limit / 4 / 65_536 + 1) as usize;
        let (graph, output) = noise(1);
        let found = pollster::block_on(filled(&graph, output, [1, 1, rows, 65_536], engine, device));
        let Err(Error::Binding { needed_bytes, limit_bytes }) = found else { panic!("{found:?}") };
        assert_eq!(needed_bytes, (rows * 65_536 * 4) as u64);
        assert!(limit_bytes <= limit, "{limit_bytes}");
    });
}

/// A buffer that takes exports, or with other usages.
fn buffer(handles: &Handles, bytes: usize, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let (label, size) = (Some("test"), bytes as u64);
    handles.device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false })
}

/// The words of a buffer.
fn read(handles: &Handles, source: &wgpu::Buffer) -> Vec<u32> {
    let bytes = source.size() as usize;
    let staging = buffer(handles, bytes, wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
    let mut encoder = handles.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(source, 0, &staging, 0, source.size());
    handles.queue.submit([encoder.finish()]);
    staging.slice(..).map_async(wgpu::MapMode::Read, |result| result.unwrap());
    handles.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let view = staging.slice(..).get_mapped_range().unwrap();
    view.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
}

const TARGET: wgpu::BufferUsages = wgpu::BufferUsages::COPY_DST.union(wgpu::BufferUsages::COPY_SRC);

#[test]
fn parts_and_several_targets_arrive_in_place_and_touch_nothing_else() {
    on_each(|engine, _| {
        let handles = engine.handles().unwrap();
        let want = downloaded(engine, 1);
        let [_, rows, columns] = SIZE;
        // Whole slices, then parts of 5 rows, which do not divide 37.
        for binding_bytes in [engine.limits().binding_bytes, 5 * columns as u64 * 4] {
            let (graph, output) = noise(1);
            let plan = Plan::new(&graph, Limits { binding_bytes, ..engine.limits() }).unwrap();
            let targets = [0, 12].map(|before| (before, buffer(&handles, before + ELEMENTS * 4 + 8, TARGET)));
            let exports = targets.clone().map(|(at, buffer)| Export::new(output, buffer, at as u64, ELEMENTS));
            let control = Control::default();
            let run = engine.run_with_exports(&plan, &control, &exports);
            let mut outputs = pollster::block_on(run).unwrap();
            assert!(outputs.take(output).unwrap().is_empty());
            for (before, buffer) in &targets {
                let (words, first) = (read(&handles, buffer), before / 4);
                assert!(words[first..first + ELEMENTS] == want, "{binding_bytes} {before}");
                let mut around = words[..first].iter().chain(&words[first + ELEMENTS..]);
                assert!(around.all(|word| *word == 0));
            }
            assert!(binding_bytes > (rows * columns * 4) as u64 || plan.dispatch_count() >= 3 * rows.div_ceil(5));
        }
    });
}

#[test]
fn exports_that_cannot_be_are_refused_with_a_reason() {
    let (graph, output) = noise(1);
    let run = |engine: &engine::Device, export: Export| {
        let plan = Plan::new(&graph, engine.limits()).unwrap();
        pollster::block_on(engine.run_with_exports(&plan, &Control::default(), &[export])).unwrap_err()
    };
    on_each(|engine, _| {
        let handles = engine.handles().unwrap();
        let bytes = ELEMENTS * 4;
        let target = |bytes| buffer(&handles, bytes, TARGET);
        let size = run(engine, Export::new(output, target(bytes), 0, ELEMENTS - 1));
        let (needed, got) = (ELEMENTS as u64, ELEMENTS as u64 - 1);
        assert_eq!(size, engine::Error::BufferSize { buffer: "test.noise".to_owned(), needed, got });
        let reason = |export: Export| run(engine, export).to_string();
        let end = reason(Export::new(output, target(bytes), 4, ELEMENTS));
        assert!(end.contains(&format!("end at byte {} of a buffer of {bytes} bytes", bytes + 4)), "{end}");
        let place = reason(Export::new(output, target(bytes + 4), 2, ELEMENTS));
        assert!(place.contains("a multiple of 4 bytes, got 2"), "{place}");
        let usage = reason(Export::new(output, buffer(&handles, bytes, wgpu::BufferUsages::COPY_SRC), 0, ELEMENTS));
        assert!(usage.contains("does not allow copies into it"), "{usage}");
        let stranger = Graph::new().output::<f32>("test.noise", ELEMENTS);
        let unknown = run(engine, Export::new(stranger, target(bytes), 0, ELEMENTS));
        assert_eq!(unknown, engine::Error::OtherGraph { place: "export".to_owned() });
        let cpu = run(&engine::Device::cpu(), Export::new(output, target(bytes), 0, ELEMENTS)).to_string();
        assert!(cpu.contains("the CPU backend has no device memory"), "{cpu}");
        // After every refusal the device still works.
        assert!(downloaded(engine, 1) == downloaded(&engine::Device::cpu(), 1));
    });
}

/// A thread that polls the device takes all callbacks that are due, the engine's too, and calls one after another: the
/// engine's may come after the engine itself found its work done.
#[test]
fn answers_that_another_thread_takes_and_gives_late_are_waited_for() {
    on_each(|engine, _| {
        let device = engine.handles().unwrap().device;
        let want = downloaded(engine, 5);
        let is_done = AtomicBool::new(false);
        let poll = || {
            while !is_done.load(Ordering::Relaxed) {
                let buffer = device.create_buffer(&wgpu::BufferDescriptor {
                    label: None,
                    size: 4,
                    usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                });
                buffer.slice(..).map_async(wgpu::MapMode::Read, |_| thread::sleep(Duration::from_micros(300)));
                device.poll(wgpu::PollType::Poll).unwrap();
            }
        };
        thread::scope(|scope| {
            (0..8).for_each(|_| drop(scope.spawn(poll)));
            let found: Vec<bool> = (0..60).map(|_| downloads(engine, 5).is_ok_and(|bits| bits == want)).collect();
            is_done.store(true, Ordering::Relaxed);
            assert!(found.iter().all(|is_right| *is_right), "{found:?}");
        });
    });
}
