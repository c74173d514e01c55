//! A device that is lost or full while networks compute on it beside the engine: what either of them says, and that no
//! thread of the caller panics.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../../kernels-tests/tests/adapters/mod.rs"]
mod adapters;
mod common;

use std::sync::{Mutex, PoisonError};

use adapters::{Software, opened};
use burn::tensor::{Device, Tensor};
use common::recipe;
use kerma::{
    data::{Image, Sample, Unit},
    engine::{self, Control, Extent, Graph, Numerics, Plan},
    kernels::{
        noise::{Stream, normal},
        pointwise::fill,
    },
};
use kerma_nn::{
    Error, beside,
    denoise::{DenoiseOptions, Denoiser, Model, Noise, training::Pool},
    filled,
    training::Trainer,
    values,
};

/// Drivers are loaded, devices lost and memory withheld by one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn on_each(check: impl Fn(&engine::Device, &Device)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        if let Some(engine) = opened(adapter, Numerics::Pinned) {
            let device = beside(&engine).unwrap();
            check(&engine, &device);
        }
    }
}

/// Sums of a row of the engine's, as many rows as asked for.
fn run(engine: &engine::Device, rows: usize) -> Result<Vec<f32>, engine::Error> {
    let mut graph = Graph::new();
    let x = fill::record(&mut graph, Extent::new(1, rows, 1024), 0.5);
    let output = graph.result(x);
    let plan = Plan::new(&graph, engine.limits())?;
    pollster::block_on(engine.run(&plan, &Control::default()))?.take(output)
}

fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Engine(engine::Error::DeviceLost { .. })) && error.is_device_failure()
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::Engine(engine::Error::OutOfMemory { .. })) && error.is_device_failure()
}

#[test]
fn an_engine_has_one_runtime_however_often_it_is_asked_for() {
    on_each(|engine, device| {
        let again = beside(engine).unwrap();
        assert!(again == *device);
        // Tensors of both can be computed with.
        let sum = Tensor::<1>::ones([3], device) + Tensor::<1>::ones([3], &again);
        assert_eq!(values(sum).unwrap(), [2.0; 3]);
    });
    assert!(beside(&engine::Device::cpu()).unwrap() == Device::flex());
}

#[test]
fn a_loss_that_a_tensor_meets_first_is_a_loss_to_both() {
    on_each(|engine, device| {
        let x = Tensor::<1>::ones([1000], device) * 2.0;
        assert_eq!(values(x.clone()).unwrap(), [2.0; 1000]);
        engine.lose();
        for _ in 0..3 {
            let error = values(x.clone() + 1.0).unwrap_err();
            assert!(is_lost(&error), "{error}");
        }
        let error = run(engine, 4).unwrap_err();
        assert!(matches!(error, engine::Error::DeviceLost { .. }), "{error}");
        let error = beside(engine).unwrap_err();
        assert!(is_lost(&error), "{error}");
    });
}

#[test]
fn a_loss_that_the_engine_meets_first_is_a_loss_to_both() {
    on_each(|engine, device| {
        let x = Tensor::<1>::ones([1000], device) * 2.0;
        assert_eq!(values(x.clone()).unwrap(), [2.0; 1000]);
        let lose = |_: engine::Progress<'_>| engine.lose();
        let mut graph = Graph::new();
        let noise = normal::record(&mut graph, Extent::new(1, 8, 1024), &Stream::new(1, 0));
        let output = graph.output("test.noise", 8 * 1024);
        graph.download(noise, output, 0);
        let plan = Plan::new(&graph, engine.limits()).unwrap();
        let control = Control { progress: &lose, ..Control::default() };
        let error = pollster::block_on(engine.run(&plan, &control)).unwrap_err();
        assert!(matches!(error, engine::Error::DeviceLost { .. }), "{error}");
        let error = pollster::block_on(filled(&graph, output, [1, 1, 8, 1024], engine, device)).unwrap_err();
        assert!(is_lost(&error), "{error}");
        let error = values(x).unwrap_err();
        assert!(is_lost(&error), "{error}");
    });
}

#[test]
fn trainings_and_denoisers_say_that_the_device_is_lost() {
    on_each(|engine, device| {
        let recipe = recipe("diffusion");
        let control = Control::default();
        let cpu = engine::Device::cpu();
        let drawn = Pool::draw(&recipe.data, Vec::new(), Vec::new(), recipe.seed, &cpu, &control, |_, _| {});
        let pool = pollster::block_on(drawn).unwrap();
        let model = Model::untrained(recipe.clone(), device);
        let mut trainer = Trainer::new(recipe, device).unwrap();
        engine.lose();
        let error = pollster::block_on(trainer.step(&pool, engine)).unwrap_err();
        assert!(is_lost(&error), "{error}");
        // Noise from the host: the first that the device is asked is a tensor.
        let error = pollster::block_on(trainer.step(&pool, &cpu)).unwrap_err();
        assert!(is_lost(&error), "{error}");
        let image = (0..64 * 64).map(|i| (i % 7) as f32).collect();
        let image = Image::new([64, 64], None, Sample::Float, Unit::Arbitrary, image).unwrap();
        let options = DenoiseOptions { noise: Noise::Gaussian(0.5), ..DenoiseOptions::default() };
        let denoiser = Denoiser::new(&model, engine, device.clone()).unwrap();
        let error = pollster::block_on(denoiser.run(&image, &options, &control)).unwrap_err();
        assert!(is_lost(&error), "{error}");
    });
}

/// Withholds memory from the process beyond a margin, which both drivers take for that of a device.
#[cfg(target_os = "linux")]
fn with_little_memory<T>(margin_bytes: u64, work: impl FnOnce() -> T) -> T {
    let limit = |limit: &libc::rlimit| {
        // SAFETY: the pointer is to a limit that lives through the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, limit) }, 0);
    };
    let mut usual = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: as above.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut usual) }, 0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let used_kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    limit(&libc::rlimit { rlim_cur: used_kib * 1024 + margin_bytes, rlim_max: usual.rlim_max });
    let done = work();
    limit(&usual);
    done
}

/// Two tensors of 120 MB and their sum, where there are 200 MB.
#[cfg(target_os = "linux")]
#[test]
fn full_memory_is_told_from_other_failures_and_leaves_a_device_that_works() {
    const MARGIN_BYTES: u64 = 200 << 20;
    const ELEMENTS: usize = 30 << 20;
    on_each(|engine, device| {
        let x = Tensor::<1>::ones([1000], device) * 2.0;
        assert_eq!(values(x.clone()).unwrap(), [2.0; 1000]);
        assert_eq!(run(engine, 4).unwrap(), [0.5; 4096]);
        let (tensor, rows) = with_little_memory(MARGIN_BYTES, || {
            let sum = Tensor::<1>::ones([ELEMENTS], device) + Tensor::<1>::zeros([ELEMENTS], device);
            (values(sum.narrow(0, 0, 10)), run(engine, 3 * ELEMENTS / 1024))
        });
        let error = tensor.unwrap_err();
        assert!(is_full(&error), "{error}");
        assert!(matches!(rows, Err(engine::Error::OutOfMemory { .. })), "{:?}", rows.err());
        // What failed is said once, and neither half of the process keeps anything of it.
        assert_eq!(values(x * 3.0).unwrap(), [6.0; 1000]);
        assert_eq!(run(engine, 4).unwrap(), [0.5; 4096]);
        let sum = Tensor::<1>::ones([ELEMENTS], device) + Tensor::<1>::zeros([ELEMENTS], device);
        assert_eq!(values(sum.narrow(0, 0, 10)).unwrap(), [1.0; 10]);
    });
}
