use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use kerma::engine;
use serde::{Deserialize, Serialize};

use super::{Model, Slices};
use crate::{
    Error,
    improve::Improver,
    losses,
    networks::{Fresh, Unet, UnetOptions},
    training::{Loss, SlowParts, System, Task, TrainingOptions, check_name, check_task, of_cases},
    volumes::{Block, Fitted, Input, Pieces, Within},
};

/// Parts of the network on the way down, by their names.
const ENCODER: [&str; 2] = ["entry", "down"];

/// Everything that decides the training of a network that finds nodules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `segment`.
    pub task: Task,
    /// Name of the model, and of its files.
    pub name: String,
    /// Seed of weights and slices.
    pub seed: u64,
    /// The slices: `axial`, `coronal` or `sagittal`.
    #[serde(default = "coronal")]
    pub plane: Pieces,
    /// Sizes of the network; an odd number of inputs, the slice in the middle and its neighbours.
    pub network: UnetOptions,
    /// Where the volumes come from.
    pub data: DataOptions,
    /// A model whose weights the training begins with; without it they are fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartOptions>,
    /// What is made small.
    pub loss: LossOptions,
    /// How long and how fast.
    pub training: TrainingOptions,
    /// What the data say when the training begins; stands in cards, not in recipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fitted: Option<Fitted>,
}

/// Where volumes come from: cases that `kerma simulate --keep truth` has made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataOptions {
    /// Folders of cases, or of one.
    pub cases: Vec<PathBuf>,
    /// Folders of cases that the threshold of the card is chosen on when the training is done; without them it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<PathBuf>,
    /// Which volume of a case is looked at.
    pub volume: Input,
    /// Model that improves reconstructions before; it lies beside this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<PathBuf>,
    /// Part of the body that is looked at, of CTs; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// Rows and columns of the pieces of slices that are learned from; whole slices without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// Whether slices are mirrored left to right, half of them.
    pub mirror: bool,
    /// Whether each case has the nodules of another one: a control, which nothing can be learned from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shuffled_labels: bool,
    /// Most memory that volumes are kept in, in MB; the others are read again.
    #[serde(default = "usual_cache")]
    pub cache_mb: u64,
}

/// What is made small: one minus the Dice coefficient of a batch, and the cross-entropy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossOptions {
    /// How often a pixel of a nodule counts in the cross-entropy, and √(1000 mm³/V) times that where its volume V is less: one in a
    /// thousand is of a nodule, so that with 1 a network learns for long that there are none, and a few voxels are a small nodule.
    pub nodule_weight: f64,
}

/// What a training begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartOptions {
    /// A model of the same network, from the folder in which this one will be.
    pub model: PathBuf,
    /// Learning rate on the way down, relative to that of the rest.
    #[serde(default = "usual_encoder_rate")]
    pub encoder_rate: f64,
    /// SHA-256 of the model, by its card; stands in cards, not in recipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

fn coronal() -> Pieces {
    Pieces::Coronal
}

fn usual_cache() -> u64 {
    2000
}

fn usual_encoder_rate() -> f64 {
    0.1
}

impl Recipe {
    /// What has improved the volumes before this network sees them, from the folder in which its models are.
    ///
    /// # Errors
    /// As [`Improver::load`].
    pub fn before(&self, folder: &Path, device: &Device) -> Result<Option<Improver>, Error> {
        self.data.after.as_ref().map(|file| Improver::load(&folder.join(file), device)).transpose()
    }

    /// The weights that the training begins with, from the folder in which models are; the recipe knows them by their hash
    /// afterwards.
    ///
    /// # Errors
    /// As [`Model::load`]; [`Error::Recipe`] when the model has another network.
    pub fn started(&mut self, folder: &Path, device: &Device) -> Result<Option<Unet>, Error> {
        let Some(start) = &mut self.start else { return Ok(None) };
        let model = Model::load(&folder.join(&start.model), device)?;
        let theirs = &model.card().recipe;
        if (&theirs.network, theirs.plane) != (&self.network, self.plane) {
            let file = start.model.display();
            return Err(Error::Recipe(format!("start.model: {file} has another network, or slices of another plane")));
        }
        start.sha256 = Some(model.card().sha256.clone());
        Ok(Some(model.network().clone()))
    }

    /// The axis across slices, of (z, y, x).
    pub(super) fn across(&self) -> usize {
        self.plane.across().unwrap_or_default()
    }

    /// A slice of a volume of `dims` along (z, y, x) between its neighbours, first to last.
    pub(super) fn slices_about(&self, slice: usize, dims: [usize; 3]) -> Vec<Block> {
        let (across, size) = (self.across(), self.plane.size(dims, self.network.multiple()));
        let reach = (self.network.inputs / 2) as isize;
        let place = |offset: isize| {
            let within = |axis: usize| -((size[axis] - dims[axis]) as isize / 2);
            let start = [0, 1, 2].map(|axis| if axis == across { slice as isize + offset } else { within(axis) });
            Block { start, size }
        };
        (-reach..=reach).map(place).collect()
    }
}

impl System for Recipe {
    const TASK: Task = Task::Segment;
    type Network = Unet;
    type Data = Slices;

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
        of_cases(&self.data.cases)
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::Recipe(text));
        check_task(self.task, Self::TASK)?;
        check_name(&self.name)?;
        if self.plane.across().is_none() {
            return refuse("plane must be axial, coronal or sagittal".to_owned());
        }
        let UnetOptions { conditioned, inputs, outputs, .. } = self.network;
        if conditioned {
            return refuse("network: conditioned must be false".to_owned());
        }
        if let Some(fault) = self.network.fault() {
            return refuse(format!("network: {fault}"));
        }
        if inputs % 2 == 0 || outputs != 1 {
            return refuse(format!("network: inputs must be odd and outputs 1, got {inputs} and {outputs}"));
        }
        if self.data.cases.is_empty() {
            return refuse("data.cases must name a folder of cases or more".to_owned());
        }
        if self.data.after.is_some() && self.data.volume == Input::Truth {
            return refuse("data.after improves reconstructions: data.volume must be \"reconstruction\"".to_owned());
        }
        if self.data.within.is_some() && self.data.volume != Input::Truth {
            return refuse("data.within is a part of CTs: data.volume must be \"truth\"".to_owned());
        }
        let multiple = self.network.multiple();
        if let Some(got) = self.data.patch.filter(|side| *side == 0 || !side.is_multiple_of(multiple)) {
            return refuse(format!("data.patch must be a multiple of {multiple}, got {got}"));
        }
        if !(1.0..=1e4).contains(&self.loss.nodule_weight) {
            return refuse(format!("loss.nodule_weight must be 1 to 10000, got {}", self.loss.nodule_weight));
        }
        if let Some(rate) = self.start.as_ref().map(|start| start.encoder_rate).filter(|r| !(0.0..=1.0).contains(r)) {
            return refuse(format!("start.encoder_rate must be 0 to 1, got {rate}"));
        }
        self.training.check()
    }

    fn network(&self, fresh: &Fresh) -> Unet {
        Unet::new(&self.network, fresh)
    }

    fn slow_parts(&self) -> Option<SlowParts> {
        self.start.as_ref().map(|start| SlowParts { names: &ENCODER, rate: start.encoder_rate })
    }

    async fn loss(
        &self,
        network: &Unet,
        slices: &Slices,
        step: usize,
        _engine: &engine::Device,
        device: &Device,
    ) -> Result<Loss, Error> {
        let batch = slices.batch(self, step)?;
        let ([rows, columns], count) = (batch.size, self.training.batch);
        let tensor = |values: Vec<f32>, channels: usize| {
            Tensor::<4>::from_data(TensorData::new(values, [count, channels, rows, columns]), device)
        };
        let logits = network.forward(tensor(batch.input, self.network.inputs), None);
        let nodule_weight = self.loss.nodule_weight as f32;
        let of =
            |f: fn(f32, f32) -> f32| tensor(batch.shares.iter().map(|share| f(*share, nodule_weight)).collect(), 1);
        let labels = of(|share, _| if share > 0.0 { 1.0 } else { 0.0 });
        let weights = of(|share, weight| if share > 0.0 { share * weight } else { 1.0 });
        let entropy = losses::cross_entropy(logits.clone(), labels.clone(), weights);
        Ok((losses::dice(logits, labels) + entropy).into())
    }
}
