use std::path::PathBuf;

use burn::tensor::Device;
use kerma::{engine, tasks::radiographs};
use serde::{Deserialize, Serialize};

use super::{NoiseOptions, Pool, objective::Objective};
use crate::{
    Error,
    diffusion::{Chain, Prediction, Schedule},
    networks::{Fresh, Unet, UnetOptions},
    training::{Judges, Loss, System, Task, TrainingOptions, check_name, check_task, of_cases},
};

/// Everything that decides a training: the same recipe gives the same weights on the same device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `denoise`, whether said or not.
    #[serde(default, skip_serializing_if = "Task::is_denoise")]
    pub task: Task,
    /// Name of the model, and of its files.
    pub name: String,
    /// What the network learns.
    pub method: Method,
    /// Seed of weights, patches and noise; the bodies have one of their own.
    pub seed: u64,
    /// Sizes of the network.
    pub network: UnetOptions,
    /// The chain; needed by the method `diffusion`.
    pub diffusion: Option<DiffusionOptions>,
    /// The noise in the training images; needed by the methods `regression`, `neighbor2neighbor`, `adversarial`.
    pub noise: Option<NoiseOptions>,
    /// Where the images come from.
    pub data: DataOptions,
    /// How long and how fast.
    pub training: TrainingOptions,
}

/// What a network learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The noise in an image at any level of a chain (Ho et al. 2020).
    Diffusion,
    /// The clean image behind a noisy one.
    Regression,
    /// The same without clean images: halves of one noisy image predict each other (Huang et al. 2021).
    Neighbor2neighbor,
    /// Missing blocks of a clean image from what surrounds them (after He et al. 2022): for features, not for denoising.
    Inpainting,
    /// The clean image, judged by a second network besides (after Huang et al. 2022, DU-GAN).
    Adversarial,
}

/// The chain of a diffusion model, and which of its levels are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffusionOptions {
    /// How noise grows.
    pub schedule: Schedule,
    /// Length of the chain.
    pub steps: usize,
    /// What the output stands for.
    pub prediction: Prediction,
    /// Least and most σ of the levels that denoising uses, on the scale of −1 … 1; drawn evenly in ln σ.
    pub levels: [f64; 2],
    /// Share of the images whose level is drawn from the whole chain instead, evenly in the step.
    pub chain_share: f64,
}

/// Where training images come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataOptions {
    /// Phantoms and their views.
    pub radiographs: radiographs::Options,
    /// CT volumes besides; those that are not there are left out, and said.
    #[serde(default)]
    pub volumes: Vec<PathBuf>,
    /// Bodies drawn from each volume.
    #[serde(default)]
    pub bodies_per_volume: usize,
    /// Folders of cases that `kerma simulate` has made without a detector: their line integrals are views besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub simulated: Vec<PathBuf>,
    /// Images of no body besides, of the radiographs' size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<LeavesOptions>,
    /// Largest gain of an unsharp mask, which half of the images are sharpened with, as makers do; 0 for none.
    #[serde(default, skip_serializing_if = "none")]
    pub sharpened: f64,
    /// Rows and columns of a training image.
    pub patch: usize,
    /// Pixels of a training image are means of 1 × 1 up to this many pixels a side of a view, drawn evenly: a network
    /// should know the same anatomy from coarse detectors, where it has sharper edges.
    #[serde(default = "one")]
    pub coarsest: usize,
}

/// Images of dead leaves ([`radiographs::leaves()`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeavesOptions {
    /// Seed of all.
    pub seed: u64,
    /// Number of images.
    pub count: usize,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn none(gain: &f64) -> bool {
    *gain == 0.0
}

impl DiffusionOptions {
    /// Least and most σ that a network knows from its training: those of `levels`, and the chain's least where its levels are
    /// drawn too.
    #[must_use]
    pub fn trained(&self) -> [f64; 2] {
        let [least, most] = self.levels;
        let chain = Chain::new(self.schedule, self.steps).level(0).sigma();
        [if self.chain_share > 0.0 { least.min(chain) } else { least }, most]
    }
}

impl System for Recipe {
    const TASK: Task = Task::Denoise;
    type Network = Unet;
    type Data = Pool;

    fn name(&self) -> &str {
        &self.name
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn training(&self) -> &TrainingOptions {
        &self.training
    }

    fn training_data(&self) -> Vec<String> {
        let phantoms = self.data.radiographs.count;
        let phantoms = (phantoms > 0).then(|| format!("radiographs of {phantoms} seeded phantoms of kerma"));
        let leaves = self.data.leaves.iter().map(|leaves| format!("{} seeded images of dead leaves", leaves.count));
        let volume = |path: &PathBuf| format!("radiographs of the CT volume {}", path.display());
        let volumes = self.data.volumes.iter().map(volume);
        phantoms.into_iter().chain(leaves).chain(volumes).chain(of_cases(&self.data.simulated)).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::Recipe(text));
        check_task(self.task, Self::TASK)?;
        check_name(&self.name)?;
        if let Some(fault) = self.network.fault() {
            return refuse(format!("network: {fault}"));
        }
        match (self.method, &self.diffusion, &self.noise) {
            (method, Some(_), _) if method != Method::Diffusion => {
                return refuse("a table [diffusion] belongs to the method \"diffusion\" alone".to_owned());
            }
            (Method::Diffusion | Method::Inpainting, _, Some(_)) => {
                return refuse("a table [noise] has no effect on this method".to_owned());
            }
            (Method::Diffusion, None, _) => return refuse("method \"diffusion\" needs a table [diffusion]".to_owned()),
            (Method::Diffusion, Some(chain), _) => {
                if !self.network.conditioned {
                    return refuse("network.conditioned must be true for the method \"diffusion\"".to_owned());
                }
                let [least, most] = chain.levels;
                if !(least > 0.0 && most >= least && most.is_finite()) {
                    return refuse(format!(
                        "diffusion.levels must be two rising positive numbers, got {:?}",
                        chain.levels
                    ));
                }
                if !(1..=100_000).contains(&chain.steps) || !(0.0..=1.0).contains(&chain.chain_share) {
                    return refuse("diffusion.steps must be 1 to 100000, chain_share 0 to 1".to_owned());
                }
            }
            (Method::Inpainting, ..) => {}
            (_, _, None) => return refuse("this method needs a table [noise]".to_owned()),
            (_, _, Some(noise)) => {
                let [least, most] = noise.doses;
                if !(least > 0.0 && most >= least && most.is_finite()) {
                    return refuse(format!("noise.doses must be two rising positive numbers, got {:?}", noise.doses));
                }
            }
        }
        // Neighbours predict each other in images of half the size.
        let halvings = usize::from(self.method == Method::Neighbor2neighbor);
        let multiple = self.network.multiple() << halvings;
        let (patch, size) = (self.data.patch, self.data.radiographs.size);
        if patch == 0 || !patch.is_multiple_of(multiple) || patch > size {
            return refuse(format!(
                "data.patch must be a multiple of {multiple} up to data.radiographs.size = {size}, got {patch}"
            ));
        }
        let coarsest = size / patch;
        if !(1..=coarsest).contains(&self.data.coarsest) {
            return refuse(format!(
                "data.coarsest must be 1 to {coarsest} for patches of {patch} from views of {size}, got {}",
                self.data.coarsest
            ));
        }
        if !(0.0..=10.0).contains(&self.data.sharpened) {
            return refuse(format!("data.sharpened must be a gain of 0 to 10, got {}", self.data.sharpened));
        }
        self.training.check()
    }

    fn network(&self, fresh: &Fresh) -> Unet {
        Unet::new(&self.network, fresh)
    }

    fn judges(&self, fresh: &Fresh, device: &Device) -> Option<Judges> {
        let judges = || Judges::new(self.network.clone(), self.training.epsilon, &fresh.part("judge"), device);
        (self.method == Method::Adversarial).then(judges)
    }

    async fn loss(
        &self,
        network: &Unet,
        pool: &Pool,
        step: usize,
        engine: &engine::Device,
        device: &Device,
    ) -> Result<Loss, Error> {
        let batch = pool.batch(step, self.training.batch);
        let share = step as f64 / self.training.steps as f64;
        Objective::new(self)?.loss(network, batch, share, engine, device).await
    }
}
