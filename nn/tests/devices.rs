//! Networks on the engine's GPU against Flex: the same outputs, gradients and first steps of training.
//!
//! On Flex convolutions and normalisations are the project's own kernels, on a GPU burn's operations, so that neither is
//! compared with itself.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

#[path = "../../kernels-tests/tests/adapters/mod.rs"]
mod adapters;
mod common;

use std::sync::OnceLock;

use adapters::{Software, opened};
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Device, Gradients, Tensor, TensorData},
};
use common::recipe;
use kerma::engine::{self, Numerics};
use kerma_nn::{
    beside,
    denoise::training::Pool,
    networks::{
        Classifier, ClassifierOptions, Conv3x3, Conv3x3x3, Depthwise, Down, Fresh, NoiseEmbedding, Norm, ResidualBlock,
        SelfAttention, TransformerLayer, TransposedVolume, Unet, Unet3d, Unet3dOptions, UnetOptions, Unetr,
        UnetrOptions, Up, VolumeBlock, max_pool,
    },
    ops,
    training::Trainer,
};

/// Largest difference of a tensor's values relative to its largest value.
///
/// Sums of n products in another order differ by about √n half units of the last place, 6e-8 each. The longest chain
/// of sums, a gradient through a whole network, passes some twenty layers of up to 200 products: 20 · √200 · 6e-8 is
/// 1.7e-5 if no error ever cancelled. What the two software adapters show is below 6e-6.
const TOLERANCE: f32 = 2e-5;

/// What one weight is changed by so that a comparison must fail.
const CHANGE: f32 = 1e-3;

/// An adapter's engine and burn's device on it; made once, since every runtime compiles its kernels anew, and all before
/// any of them works, since drivers are loaded meanwhile.
fn on(adapter: Software) -> Option<&'static (engine::Device, Device)> {
    static OPENED: OnceLock<[Option<(engine::Device, Device)>; 2]> = OnceLock::new();
    let open = |adapter| {
        opened(adapter, Numerics::Pinned).map(|engine| {
            let device = beside(&engine).expect("burn takes the engine's device");
            (engine, device)
        })
    };
    let all = OPENED.get_or_init(|| [Software::Lavapipe, Software::SwiftShader].map(open));
    all[usize::from(adapter == Software::SwiftShader)].as_ref()
}

/// Numbers from −1 to 1, none of them 0.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 + 0.5) / 8_388_608.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn tensor<const D: usize>(shape: [usize; D], seed: u32, device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(shape.iter().product(), seed), shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_data().unwrap().try_to_vec().unwrap()
}

/// Replaces every parameter by numbers of its own, of the size at which layers keep the size of their input; what
/// starts at 0 would hide a wrong gradient. One weight, in the middle of the first parameter, may be changed.
struct Seeded {
    seed: u32,
    change: f32,
}

impl ModuleMapper for Seeded {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.seed += 1;
        let (seed, change) = (self.seed, std::mem::take(&mut self.change));
        param.map(|old| {
            let (shape, device) = (old.dims(), old.device());
            let inputs = shape.iter().skip(1).product::<usize>() as f32;
            let scale = if D == 1 { 1.0 } else { (3.0 / inputs).sqrt() };
            let mut numbers: Vec<f32> = numbers(shape.iter().product(), seed).iter().map(|v| v * scale).collect();
            let middle = numbers.len() / 2;
            numbers[middle] += change;
            Tensor::from_data(TensorData::new(numbers, shape), &device)
        })
    }
}

/// Gradients of all parameters, in the order in which the module names them.
struct OfParameters<'a>(&'a Gradients, Vec<Vec<f32>>);

impl ModuleVisitor for OfParameters<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.1.push(values(param.val().grad(self.0).expect("every parameter has a gradient")));
    }
}

/// A network's part with what it is given.
struct Case<M, const D: usize, const E: usize> {
    name: &'static str,
    part: M,
    /// Shape of the images or volumes, or of the vector that an embedding takes.
    input: [usize; D],
    forward: fn(&M, Tensor<D>) -> Tensor<E>,
}

impl<M: Module, const D: usize, const E: usize> Case<M, D, E> {
    /// Output, gradient of the input, gradients of all parameters.
    fn evaluated(&self, device: &Device, change: f32) -> Vec<Vec<f32>> {
        let part = self.part.clone().map(&mut Seeded { seed: 100, change });
        let device = device.clone().autodiff();
        let part = part.fork(&device).train();
        let x = tensor(self.input, 1, &device).require_grad();
        let y = (self.forward)(&part, x.clone());
        // Weights of its own for each pixel: a plain sum would leave a normalisation without a gradient.
        let gradients = (y.clone() * tensor(y.dims(), 2, &device)).sum().backward();
        let mut parameters = OfParameters(&gradients, Vec::new());
        part.visit(&mut parameters);
        let mut all = vec![values(y.inner()), values(x.grad(&gradients).expect("the input has a gradient"))];
        all.append(&mut parameters.1);
        all
    }

    /// Every adapter against Flex, then a changed weight, then the same adapter again.
    fn compare(&self) {
        let want = self.evaluated(&Device::flex(), 0.0);
        assert!(want.iter().all(|values| values.iter().any(|v| *v != 0.0)), "{}: a gradient is 0", self.name);
        let changed = self.evaluated(&Device::flex(), CHANGE);
        let control = differences(&changed, &want).into_iter().fold(0.0, f32::max);
        assert!(control > 2.0 * TOLERANCE, "{}: the control differs by {control:e} only", self.name);
        for adapter in [Software::Lavapipe, Software::SwiftShader] {
            let Some((_, device)) = on(adapter) else { continue };
            let got = self.evaluated(device, 0.0);
            let differences = differences(&got, &want);
            let most = differences.iter().copied().fold(0.0, f32::max);
            println!("{adapter:?} {}: output {:e}, all {most:e}, control {control:e}", self.name, differences[0]);
            assert!(most <= TOLERANCE, "{adapter:?} {}: output, input, parameters {differences:?}", self.name);
            assert!(got == self.evaluated(device, 0.0), "{adapter:?} {}: other bits in the second run", self.name);
        }
    }
}

fn differences(got: &[Vec<f32>], want: &[Vec<f32>]) -> Vec<f32> {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).map(|(got, want)| difference(got, want)).collect()
}

/// Largest difference relative to the largest value; infinite where anything is no number.
fn difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(0.0, |most: f32, v| most.max(v.abs()));
    let apart = got.iter().zip(want).map(|(a, b)| (a - b).abs());
    let most = apart.fold(0.0, |most: f32, d| if d.is_nan() { f32::INFINITY } else { most.max(d) });
    most / largest
}

/// Parts are made with fresh weights, all of which [`Seeded`] replaces.
fn fresh() -> Fresh {
    Fresh::new(1, &Device::flex())
}

/// A condition of two images, the same on every device.
fn condition(width: usize, x: &Tensor<4>) -> Tensor<2> {
    tensor([2, width], 3, &x.device())
}

const IMAGES: [usize; 4] = [2, 8, 12, 10];

#[test]
fn convolutions_are_those_of_flex() {
    let fresh = fresh();
    let input = IMAGES;
    Case { name: "conv", part: Conv3x3::new(8, 5, &fresh), input, forward: Conv3x3::forward }.compare();
    // Enough channels for minimal filtering, tiles across the border, in both directions.
    let part = Conv3x3::new(36, 33, &fresh);
    Case { name: "conv with many channels", part, input: [2, 36, 13, 10], forward: Conv3x3::forward }.compare();
    for (name, side) in [("depthwise 3", 3), ("depthwise 7", 7)] {
        Case { name, part: Depthwise::new(8, side, &fresh), input, forward: Depthwise::forward }.compare();
    }
    Case { name: "down", part: Down::new(8, 12, &fresh), input, forward: Down::forward }.compare();
    Case { name: "up", part: Up::new(8, 4, &fresh), input, forward: Up::forward }.compare();
}

const VOLUMES: [usize; 5] = [2, 8, 4, 6, 10];

#[test]
fn convolutions_of_volumes_are_those_of_flex() {
    let fresh = fresh();
    let forward = Conv3x3x3::forward;
    Case { name: "volume conv", part: Conv3x3x3::new(8, 5, &fresh), input: VOLUMES, forward }.compare();
    let part = Conv3x3x3::new(12, 33, &fresh);
    Case { name: "volume conv with many channels", part, input: [2, 12, 3, 6, 5], forward }.compare();
    let part = TransposedVolume::new(8, 3, &fresh);
    Case { name: "transposed", part, input: VOLUMES, forward: TransposedVolume::forward }.compare();
    let part = VolumeBlock::new(8, 12, 4, &fresh);
    Case { name: "volume block", part, input: VOLUMES, forward: VolumeBlock::forward }.compare();
}

/// Behind a convolution, so that there is a weight to change.
#[test]
fn other_sizes_are_those_of_flex() {
    let fresh = fresh();
    let part = || Conv3x3::new(8, 4, &fresh);
    let forward = |part: &Conv3x3, x: Tensor<4>| ops::halve(part.forward(x));
    Case { name: "halved", part: part(), input: IMAGES, forward }.compare();
    let forward = |part: &Conv3x3, x: Tensor<4>| max_pool(part.forward(x));
    Case { name: "largest", part: part(), input: IMAGES, forward }.compare();
    let part = || Conv3x3x3::new(8, 3, &fresh);
    let forward = |part: &Conv3x3x3, x: Tensor<5>| ops::halve(part.forward(x));
    Case { name: "halved volume", part: part(), input: VOLUMES, forward }.compare();
    let forward = |part: &Conv3x3x3, x: Tensor<5>| ops::enlarge(part.forward(x));
    Case { name: "enlarged volume", part: part(), input: VOLUMES, forward }.compare();
}

#[test]
fn normalisations_are_those_of_flex() {
    let fresh = fresh();
    for (name, silu) in [("norm", false), ("norm and SiLU", true)] {
        let part = Norm::new(8, 4, silu, &fresh);
        Case { name, part, input: IMAGES, forward: |part, x| part.forward(x, None) }.compare();
        let part = Norm::new(8, 4, silu, &fresh);
        let forward = |part: &Norm, x: Tensor<4>| {
            let both = condition(16, &x);
            let condition = [both.clone().slice([0..2, 0..8]), both.slice([0..2, 8..16])];
            part.forward(x, Some(condition))
        };
        Case { name: "conditioned norm", part, input: IMAGES, forward }.compare();
    }
}

#[test]
fn blocks_are_those_of_flex() {
    let fresh = fresh();
    let part = ResidualBlock::new(8, 12, 4, Some(16), &fresh);
    let forward = |part: &ResidualBlock, x: Tensor<4>| {
        let condition = condition(16, &x);
        part.forward(x, Some(&condition))
    };
    Case { name: "conditioned block", part, input: IMAGES, forward }.compare();
    let part = ResidualBlock::new(8, 8, 4, None, &fresh);
    Case { name: "block", part, input: IMAGES, forward: |part, x| part.forward(x, None) }.compare();
}

#[test]
fn attention_is_that_of_flex() {
    let fresh = fresh();
    // One head, then two.
    for (name, channels) in [("attention", 8), ("attention with two heads", 64)] {
        let part = SelfAttention::new(channels, 4, &fresh);
        Case { name, part, input: [2, channels, 6, 5], forward: SelfAttention::forward }.compare();
    }
}

#[test]
fn layers_of_transformers_are_those_of_flex() {
    let part = TransformerLayer::new(16, 24, 2, &fresh());
    Case { name: "transformer", part, input: [2, 7, 16], forward: TransformerLayer::forward }.compare();
}

#[test]
fn networks_of_volumes_are_those_of_flex() {
    let fresh = fresh();
    let options = Unet3dOptions { inputs: 2, outputs: 3, multipliers: vec![1, 2, 4], ..Unet3dOptions::default() };
    let (part, forward) = (Unet3d::new(&options, &fresh), Unet3d::forward);
    Case { name: "volume network", part, input: [2, 2, 4, 8, 12], forward }.compare();
    let options = UnetrOptions { side: 8, patch: 4, width: 16, hidden: 24, heads: 2, layers: 3, ..Default::default() };
    let (part, forward) = (Unetr::new(&options, &fresh), Unetr::forward);
    Case { name: "transformer network", part, input: [2, 1, 8, 8, 8], forward }.compare();
}

#[test]
fn classifiers_are_those_of_flex() {
    let options = ClassifierOptions { outputs: 3, base: 8, multipliers: vec![1, 2], blocks: 1, ..Default::default() };
    let part = Classifier::new(&ClassifierOptions { groups: 4, ..options }, &fresh());
    Case { name: "classifier", part, input: [2, 1, 16, 12], forward: Classifier::forward }.compare();
}

#[test]
fn embeddings_of_noise_are_those_of_flex() {
    let part = NoiseEmbedding::new(16, &fresh());
    let forward = |part: &NoiseEmbedding, x: Tensor<4>| {
        let [count, ..] = x.dims();
        part.forward(x.reshape([count]) * 4.0 - 2.0).reshape([count, 16, 1, 1])
    };
    Case { name: "embedding", part, input: [6, 1, 1, 1], forward }.compare();
}

#[test]
fn networks_are_those_of_flex() {
    let fresh = fresh();
    let input = [2, 1, 32, 24];
    let plain = UnetOptions {
        conditioned: false,
        inputs: 1,
        outputs: 1,
        fold: 2,
        base: 8,
        multipliers: vec![1, 2],
        blocks: 1,
        groups: 4,
        attention: false,
    };
    let conditioned = UnetOptions { conditioned: true, attention: true, ..plain.clone() };
    let forward = |network: &Unet, x: Tensor<4>| {
        let levels = Tensor::from_floats([-1.0, -3.0], &x.device());
        network.forward(x, Some(levels))
    };
    Case { name: "network", part: Unet::new(&conditioned, &fresh), input, forward }.compare();
    let forward = |network: &Unet, x: Tensor<4>| network.forward(x, None);
    Case { name: "plain network", part: Unet::new(&plain, &fresh), input, forward }.compare();
    let part = Unet::new(&UnetOptions { inputs: 3, outputs: 2, ..plain }, &fresh);
    Case { name: "network of several channels", part, input: [2, 3, 16, 12], forward }.compare();
}

#[test]
fn a_training_starts_from_the_bits_of_flex() {
    struct Weights(Vec<u32>);
    impl ModuleVisitor for Weights {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(values(param.val()).iter().map(|v| v.to_bits()));
        }
    }
    let start = |device: &Device| {
        let mut weights = Weights(Vec::new());
        Trainer::new(recipe("diffusion"), device).unwrap().mean().visit(&mut weights);
        weights.0
    };
    let want = start(&Device::flex());
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some((_, device)) = on(adapter) else { continue };
        assert!(start(device) == want, "{adapter:?}");
    }
}

#[test]
fn a_step_of_training_is_that_of_flex() {
    let cpu = engine::Device::cpu();
    for method in ["diffusion", "neighbor2neighbor"] {
        let mut recipe = recipe(method);
        // Software adapters are slow.
        recipe.training.batch = 4;
        let control = engine::Control::default();
        let drawn = Pool::draw(&recipe.data, Vec::new(), Vec::new(), recipe.seed, &cpu, &control, |_, _| {});
        let pool = pollster::block_on(drawn).unwrap();
        // Three steps on Flex, after which no weight is 0; their checkpoint is where every device starts.
        let mut trainer = Trainer::new(recipe.clone(), &Device::flex()).unwrap();
        for _ in 0..3 {
            pollster::block_on(trainer.step(&pool, &cpu)).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("checkpoint");
        trainer.save(&checkpoint).unwrap();
        let want = pollster::block_on(trainer.step(&pool, &cpu)).unwrap();
        let next = pollster::block_on(trainer.step(&pool, &cpu)).unwrap();
        let relative = |got: f64, want: f64| ((got - want) / want).abs() as f32;
        for adapter in [Software::Lavapipe, Software::SwiftShader] {
            let Some((engine, device)) = on(adapter) else { continue };
            let mut trainer = Trainer::new(recipe.clone(), device).unwrap().resume(&checkpoint).unwrap();
            let got = pollster::block_on(trainer.step(&pool, engine)).unwrap();
            let loss = relative(got.loss.into(), want.loss.into());
            let norm = relative(got.gradient_norm, want.gradient_norm);
            println!("{adapter:?} {method}: loss {loss:e}, norm of the gradients {norm:e}");
            assert!(loss <= TOLERANCE && norm <= TOLERANCE, "{adapter:?} {method}: {got:?}, {want:?}");
            // The control: another step has another loss.
            assert!(relative(next.loss.into(), want.loss.into()) > TOLERANCE, "{method}: {next:?}, {want:?}");
        }
    }
}
