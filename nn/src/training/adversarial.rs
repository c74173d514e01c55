use burn::{
    module::Module,
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, Tensor},
};

use super::weights::clip;
use crate::{
    Error,
    networks::{Fresh, Unet, UnetOptions},
    ops::in_pool,
};

/// Weight of each judge's verdict beside the mean squared error.
const VERDICT: f64 = 0.002;
/// Weight of the mean absolute error of the gradients.
const EDGES: f64 = 0.05;
/// Channels of a judge at its finest level.
const BASE: usize = 16;

/// Two UNets that tell clean images from denoised ones, pixel by pixel: one sees images, one their gradients.
///
/// After DU-GAN (Huang et al. 2022): judges with a verdict for every pixel, least-squares losses, a judge of gradients
/// beside that of images. Without its mixing of real and false images, and with smaller judges.
///
/// ```text
/// judge:    (D(clean) − 1)² + D(denoised)²
/// denoiser: |denoised − clean|² + e |∇denoised − ∇clean| + v Σ (D(denoised) − 1)²
/// ```
pub struct Judges {
    pub(super) networks: [Unet; 2],
    pub(super) optimizers: [ModuleOptimizer; 2],
}

impl Judges {
    /// Fresh judges of images that such a network makes; ε is that of their optimisers.
    #[must_use]
    pub fn new(network: UnetOptions, epsilon: f32, fresh: &Fresh, device: &Device) -> Self {
        let options = UnetOptions { conditioned: false, base: BASE, blocks: 1, groups: 8, attention: false, ..network };
        let network = |judge| Unet::new(&options, &fresh.part(judge)).fork(&device.clone().autodiff()).train();
        let optimizer = || AdamWConfig::new().with_beta_1(0.5).with_weight_decay(0.0).with_epsilon(epsilon).init();
        Self { networks: [network("image"), network("edges")], optimizers: [optimizer(), optimizer()] }
    }

    /// What is added to the denoiser's mean squared error.
    pub(super) fn verdict(&self, denoised: &Tensor<4>, clean: &Tensor<4>) -> Tensor<1> {
        let [fake_edges, true_edges] = [denoised, clean].map(edges);
        let verdict = |network: &Unet, image: Tensor<4>| (network.forward(image, None) - 1.0).square().mean();
        let both = verdict(&self.networks[0], denoised.clone()) + verdict(&self.networks[1], fake_edges.clone());
        both * VERDICT + (fake_edges - true_edges).abs().mean() * EDGES
    }

    /// One step of both judges on the denoiser's last images and the clean ones.
    pub(super) fn step(
        &mut self,
        [denoised, clean]: [Tensor<4>; 2],
        step: usize,
        rate: f64,
        limit: f64,
    ) -> Result<(), Error> {
        let denoised = denoised.detach();
        let views = [[denoised.clone(), clean.clone()], [edges(&denoised), edges(&clean)]];
        for ((network, optimizer), [fake, real]) in self.networks.iter_mut().zip(&mut self.optimizers).zip(views) {
            let loss =
                network.forward(fake, None).square().mean() + (network.forward(real, None) - 1.0).square().mean();
            let gradients = GradientsParams::from_grads(in_pool(|| loss.backward()), network);
            let (gradients, norm) = clip(gradients, network, limit)?;
            if !norm.is_finite() {
                return Err(Error::Diverged { step, what: "norm of a judge's gradients", value: norm });
            }
            *network = optimizer.step(rate, network.clone(), gradients);
        }
        Ok(())
    }
}

/// Magnitude of the gradient: differences to the right and the lower neighbour, 0 beyond the edge.
fn edges(image: &Tensor<4>) -> Tensor<4> {
    /// Keeps the root's own gradient finite where there is no edge.
    const LEAST: f64 = 1e-6;
    let [count, _, rows, columns] = image.dims();
    let along = |axis: usize, length: usize| {
        let mut ranges = [0..count, 0..1, 0..rows, 0..columns];
        ranges[axis] = 1..length;
        let next = image.clone().slice(ranges.clone());
        ranges[axis] = 0..length - 1;
        let step = next - image.clone().slice(ranges.clone());
        ranges[axis] = length - 1..length;
        Tensor::cat(vec![step, image.clone().slice(ranges) * 0.0], axis)
    };
    (along(2, rows).square() + along(3, columns).square() + LEAST).sqrt()
}
