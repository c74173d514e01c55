use std::path::PathBuf;

use kerma::tasks::radiographs;
use serde::{Deserialize, Serialize};

use super::{LearningRate, NoiseOptions, Shape};
use crate::{
    Error,
    diffusion::{Chain, Prediction, Schedule},
    networks::UnetOptions,
};

/// Everything that decides a training: the same recipe gives the same weights on the same device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
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
    /// Rows and columns of a training image.
    pub patch: usize,
    /// Pixels of a training image are means of 1 × 1 up to this many pixels a side of a view, drawn evenly: a network
    /// should know the same anatomy from coarse detectors, where it has sharper edges.
    #[serde(default = "one")]
    pub coarsest: usize,
}

fn one() -> usize {
    1
}

fn usual_epsilon() -> f32 {
    1e-8
}

/// How long and how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingOptions {
    /// Images per step.
    pub batch: usize,
    /// Number of steps.
    pub steps: usize,
    /// Largest learning rate.
    pub learning_rate: f64,
    /// How the rate runs.
    pub shape: Shape,
    /// Steps of the linear rise.
    pub warm_up: usize,
    /// Decay of weights per unit of the rate (Loshchilov & Hutter 2019).
    pub weight_decay: f32,
    /// ε of AdamW: weights whose gradient is smaller than this take shorter steps. 10⁻⁸ where a recipe does not say (Kingma
    /// & Ba 2015); a mean squared error of images has gradients of 10⁻⁶.
    #[serde(default = "usual_epsilon")]
    pub epsilon: f32,
    /// Largest norm of all gradients together.
    pub clip: f64,
    /// Decay of the mean over the weights of past steps.
    pub mean_decay: f64,
    /// Steps between checkpoints.
    pub checkpoint: usize,
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

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the place and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let recipe: Self = toml::from_str(text).map_err(|e| Error::Recipe(e.to_string().trim_end().to_owned()))?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The learning rate as a function of the step.
    #[must_use]
    pub fn learning_rate(&self) -> LearningRate {
        let TrainingOptions { shape, learning_rate, warm_up, steps, .. } = self.training;
        LearningRate { shape, peak: learning_rate, warm_up, steps }
    }

    /// Whether it can be followed, of which reading it makes sure.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::Recipe(text));
        if self.name.is_empty() || !self.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return refuse(format!("name must consist of letters, digits, '-', '_' and '.', got \"{}\"", self.name));
        }
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
        let t = &self.training;
        let positive = [("batch", t.batch), ("steps", t.steps), ("checkpoint", t.checkpoint)];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return refuse(format!("training.{name} must be at least 1, got 0"));
        }
        let real = [
            ("learning_rate", t.learning_rate, 1.0),
            ("epsilon", t.epsilon.into(), 1.0),
            ("clip", t.clip, f64::MAX),
            ("mean_decay", t.mean_decay, 1.0),
        ];
        if let Some((name, value, most)) = real.iter().find(|(_, value, most)| !(*value > 0.0 && value <= most)) {
            return refuse(format!("training.{name} must be positive and at most {most}, got {value}"));
        }
        Ok(())
    }
}
