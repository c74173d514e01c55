//! Networks on the CPU: convolution and normalisation beside burn's own, and whole UNets forward and backward.

use std::hint::black_box;

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor, module, ops::ConvOptions};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kerma_nn::{
    networks::{Fresh, Unet, Unet3d, Unet3dOptions, UnetOptions},
    ops,
};

// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn normal<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// `[count, channels, side]`: a UNet's finest level at 256², and those of a training batch.
const CONVOLUTIONS: [[usize; 3]; 3] = [[1, 64, 256], [16, 40, 32], [16, 80, 16]];

fn convolutions(c: &mut Criterion) {
    let device = Device::flex();
    let mut group = c.benchmark_group("conv3x3");
    group.sample_size(20);
    for [count, channels, side] in CONVOLUTIONS {
        let x = normal([count, channels, side, side], &device);
        let (weight, bias) = (normal([channels, channels, 3, 3], &device), normal([channels], &device));
        // Elements are multiplications and additions.
        group.throughput(Throughput::Elements((18 * channels * channels * side * side * count) as u64));
        let name = format!("{count}x{channels}x{side}");
        group.bench_function(format!("own/{name}"), |b| {
            b.iter(|| black_box(ops::conv3x3(x.clone(), weight.clone(), bias.clone(), None)));
        });
        group.bench_function(format!("flex/{name}"), |b| {
            let same = || ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
            b.iter(|| black_box(module::conv2d(x.clone(), weight.clone(), Some(bias.clone()), same())));
        });
        let [x, weight] = [x, weight].map(|t| t.autodiff().require_grad());
        let bias = bias.autodiff().require_grad();
        group.bench_function(format!("own, with gradients/{name}"), |b| {
            b.iter(|| black_box(ops::conv3x3(x.clone(), weight.clone(), bias.clone(), None).sum().backward()));
        });
    }
}

/// The network that is held against PyTorch: 24.3 million weights, 240 GFLOP at 256².
fn large() -> UnetOptions {
    let multipliers = vec![1, 2, 4, 4];
    UnetOptions {
        conditioned: true,
        inputs: 1,
        outputs: 1,
        fold: 1,
        base: 64,
        multipliers,
        blocks: 3,
        groups: 8,
        attention: false,
    }
}

/// The network that is shipped.
fn shipped() -> UnetOptions {
    let multipliers = vec![1, 2, 2];
    UnetOptions {
        conditioned: true,
        inputs: 1,
        outputs: 1,
        fold: 2,
        base: 40,
        multipliers,
        blocks: 2,
        groups: 8,
        attention: false,
    }
}

/// A network for the slices of volumes; `benches/peers/networks.py` has the same in PyTorch.
fn slices() -> UnetOptions {
    let multipliers = vec![1, 2, 4, 4];
    UnetOptions { conditioned: false, base: 16, multipliers, blocks: 1, fold: 1, ..shipped() }
}

fn networks(c: &mut Criterion) {
    let device = Device::flex();
    let mut group = c.benchmark_group("unet");
    group.sample_size(10);
    for (name, options, count, side) in [("large", large(), 1, 256), ("shipped", shipped(), 1, 256)] {
        let network = Unet::new(&options, &Fresh::new(1, &device));
        let (x, level) = (normal([count, 1, side, side], &device), Tensor::zeros([count], &device));
        group.bench_function(format!("{name} forward/{side}"), |b| {
            b.iter(|| black_box(network.forward(x.clone(), Some(level.clone()))));
        });
    }
    let fresh = Fresh::new(1, &device);
    let (flat, deep) = (Unet::new(&slices(), &fresh), Unet3d::new(&Unet3dOptions::default(), &fresh));
    for count in [1, 8] {
        let x = normal([count, 1, 128, 128], &device);
        group.bench_function(format!("slices forward/{count}x128"), |b| {
            b.iter(|| black_box(flat.forward(x.clone(), None)));
        });
        let x = normal([count, 1, 48, 48, 48], &device);
        group.bench_function(format!("volumes forward/{count}x48"), |b| b.iter(|| black_box(deep.forward(x.clone()))));
    }
    let network = Unet::new(&shipped(), &Fresh::new(1, &device)).fork(&device).train();
    let (x, level) = (normal([16, 1, 64, 64], &device).autodiff(), Tensor::<1>::zeros([16], &device).autodiff());
    group.bench_function("shipped with gradients/16x64", |b| {
        b.iter(|| black_box(network.forward(x.clone(), Some(level.clone())).square().mean().backward()));
    });
}

criterion_group!(benches, convolutions, networks);
criterion_main!(benches);
