use std::time::Instant;

use burn::{
    module::Module,
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::Device,
};
use kerma::engine;

use super::{
    Judges, LearningRate, Loss, System, TrainingOptions,
    weights::{clip, follow, part_of},
};
use crate::{Card, Error, Start, networks::Fresh, ops::in_pool, tensors::scalar};

/// A training under way.
pub struct Trainer<S: System> {
    pub(super) recipe: S,
    rate: LearningRate,
    pub(super) device: Device,
    /// The network that learns, on the device with automatic differentiation.
    pub(super) network: S::Network,
    /// The mean of its weights, which is the result.
    pub(super) mean: S::Network,
    pub(super) optimizer: ModuleOptimizer,
    pub(super) judges: Option<Judges>,
    /// Where the first weights came from.
    pub(super) start: Start,
    pub(super) step: usize,
    /// Loss of every step done so far.
    pub(super) losses: Vec<f32>,
    /// Wall time of all steps done so far, those before a checkpoint included.
    pub(super) seconds: f64,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Number of the step, counted from 0.
    pub step: usize,
    /// Loss before the step.
    pub loss: f32,
    /// Norm of all gradients before they were limited.
    pub gradient_norm: f64,
    /// Learning rate.
    pub rate: f64,
}

impl<S: System> Trainer<S> {
    /// A training of `recipe` from fresh weights, its tensors on `device`.
    ///
    /// The weights are a function of the recipe's seed ([`Fresh`]), the same on every device.
    ///
    /// # Errors
    /// [`Error::Recipe`] when the recipe cannot be followed.
    pub fn new(recipe: S, device: &Device) -> Result<Self, Error> {
        recipe.check()?;
        let network = recipe.network(&Fresh::new(recipe.seed(), device));
        Ok(Self::begin(recipe, network, Start::SeedAndPath, device))
    }

    /// A training of `recipe` that goes on from the weights of another one.
    ///
    /// # Errors
    /// [`Error::Recipe`] when the recipe cannot be followed.
    pub fn from_weights(recipe: S, network: S::Network, device: &Device) -> Result<Self, Error> {
        recipe.check()?;
        Ok(Self::begin(recipe, network, Start::Model, device))
    }

    fn begin(recipe: S, mean: S::Network, start: Start, device: &Device) -> Self {
        let fresh = Fresh::new(recipe.seed(), device);
        let judges = recipe.judges(&fresh, device);
        let network = mean.clone().fork(&device.clone().autodiff()).train();
        let TrainingOptions { weight_decay, epsilon, .. } = *recipe.training();
        let optimizer = AdamWConfig::new().with_weight_decay(weight_decay).with_epsilon(epsilon).init();
        Self {
            rate: recipe.training().rate(),
            device: device.clone(),
            network,
            mean,
            optimizer,
            judges,
            start,
            step: 0,
            losses: Vec::new(),
            seconds: 0.0,
            recipe,
        }
    }

    /// The recipe.
    #[must_use]
    pub fn recipe(&self) -> &S {
        &self.recipe
    }

    /// Steps done.
    #[must_use]
    pub fn step_count(&self) -> usize {
        self.step
    }

    /// Loss of every step done.
    #[must_use]
    pub fn losses(&self) -> &[f32] {
        &self.losses
    }

    /// Wall time of all steps done, those before a checkpoint included.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// The mean of the weights, which is the trained network.
    #[must_use]
    pub fn mean(&self) -> &S::Network {
        &self.mean
    }

    /// The card of the network as it is now, trained on a machine of such a name.
    #[must_use]
    pub fn card(&self, machine: String) -> Card<S> {
        Card { start: self.start, ..Card::new(self.recipe.clone(), &self.losses, self.seconds, machine) }
    }

    /// One step on the next batch of `data`; its noise is drawn by `engine`.
    ///
    /// # Errors
    /// What the devices say, and [`Error::Diverged`] when loss or gradients are no numbers any more.
    pub async fn step(&mut self, data: &S::Data, engine: &engine::Device) -> Result<Progress, Error> {
        let begin = Instant::now();
        let (step, device, limit) = (self.step, self.device.clone().autodiff(), self.recipe.training().clip);
        let Loss { value: mut loss, judged } = self.recipe.loss(&self.network, data, step, engine, &device).await?;
        if let (Some(judges), Some([denoised, clean])) = (&self.judges, &judged) {
            loss = loss + judges.verdict(denoised, clean);
        }
        let value = scalar(loss.clone())?;
        if !value.is_finite() {
            return Err(Error::Diverged { step, what: "loss", value: value.into() });
        }
        let gradients = GradientsParams::from_grads(in_pool(|| loss.backward()), &self.network);
        self.recipe.check_gradients(data)?;
        let (mut gradients, gradient_norm) = clip(gradients, &self.network, limit)?;
        if !gradient_norm.is_finite() {
            return Err(Error::Diverged { step, what: "norm of the gradients", value: gradient_norm });
        }
        let rate = self.rate.at(step);
        if let Some(slow) = self.recipe.slow_parts() {
            let own = part_of(&mut gradients, &self.network, slow.names);
            self.network = self.optimizer.step(rate * slow.rate, self.network.clone(), own);
        }
        self.network = self.optimizer.step(rate, self.network.clone(), gradients);
        if let (Some(judges), Some([denoised, clean])) = (&mut self.judges, judged) {
            judges.step([denoised, clean], step, rate, limit)?;
        }
        self.mean = follow(self.mean.clone(), &self.network, self.recipe.training().mean_decay, step);
        self.step += 1;
        self.losses.push(value);
        self.seconds += begin.elapsed().as_secs_f64();
        Ok(Progress { step, loss: value, gradient_norm, rate })
    }
}
