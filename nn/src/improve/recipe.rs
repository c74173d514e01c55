use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use kerma::engine;
use serde::{Deserialize, Serialize};

use super::{Improver, Network, NetworkOptions, Pairs};
use crate::{
    Error, losses,
    networks::Fresh,
    training::{Loss, System, Task, TrainingOptions, check_name, check_task, of_cases},
    volumes::{Fitted, Pieces},
};

/// Everything that decides the training of a network that improves reconstructions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `improve`.
    pub task: Task,
    /// Name of the model, and of its files.
    pub name: String,
    /// Seed of weights and pieces.
    pub seed: u64,
    /// How volumes are divided.
    pub pieces: Pieces,
    /// Kind and sizes of the network.
    pub network: NetworkOptions,
    /// Where the volumes come from.
    pub data: DataOptions,
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
    /// Model whose outputs are improved further; it lies beside this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<PathBuf>,
    /// Whether pieces are mirrored left to right, half of them.
    pub mirror: bool,
    /// Most memory that volumes are kept in, in MB; the others are read again.
    #[serde(default = "usual_cache")]
    pub cache_mb: u64,
}

fn usual_cache() -> u64 {
    2000
}

/// What is made small: an error, and the mean absolute error of differences between neighbours along all axes of a piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossOptions {
    /// The error.
    #[serde(default)]
    pub error: ErrorKind,
    /// Weight of the differences.
    pub gradients: f64,
    /// How often the error of a voxel of a nodule counts, others once: a few voxels in a thousand are of a nodule, and where it lies
    /// along the depth is uncertain. More than 1 shows more of it, and more that is none.
    #[serde(default = "once")]
    pub nodule_weight: f64,
}

fn once() -> f64 {
    1.0
}

/// How the error of a voxel counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// By its size: best is the median of what may be there, so that what is rare is left out.
    #[default]
    Absolute,
    /// By its square, of whose mean the root is taken: best is the mean of what may be there, which keeps its mass.
    Squared,
}

impl Recipe {
    /// What has improved the volumes before this network does, from the folder in which its models are.
    ///
    /// # Errors
    /// As [`Improver::load`].
    pub fn before(&self, folder: &Path, device: &Device) -> Result<Option<Improver>, Error> {
        self.data.after.as_ref().map(|file| Improver::load(&folder.join(file), device)).transpose()
    }
}

impl System for Recipe {
    const TASK: Task = Task::Improve;
    type Network = Network;
    type Data = Pairs;

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
        if let Some(fault) = self.network.fault(self.pieces) {
            return refuse(format!("network: {fault}"));
        }
        if let Pieces::Patch(side) = self.pieces
            && (!side.is_multiple_of(self.network.multiple()) || !(1..=256).contains(&side))
        {
            let multiple = self.network.multiple();
            return refuse(format!("pieces.patch must be a multiple of {multiple} up to 256, got {side}"));
        }
        if self.data.cases.is_empty() {
            return refuse("data.cases must name a folder of cases or more".to_owned());
        }
        if !(0.0..=1e3).contains(&self.loss.gradients) {
            return refuse(format!("loss.gradients must be 0 to 1000, got {}", self.loss.gradients));
        }
        if !(1.0..=1e4).contains(&self.loss.nodule_weight) {
            return refuse(format!("loss.nodule_weight must be 1 to 10000, got {}", self.loss.nodule_weight));
        }
        self.training.check()
    }

    fn network(&self, fresh: &Fresh) -> Network {
        self.network.network(fresh)
    }

    async fn loss(
        &self,
        network: &Network,
        pairs: &Pairs,
        step: usize,
        _engine: &engine::Device,
        device: &Device,
    ) -> Result<Loss, Error> {
        let batch = pairs.batch(self, step)?;
        let [planes, rows, columns] = batch.size;
        let tensor = |values: Vec<f32>| {
            let shape = [self.training.batch, 1, planes, rows, columns];
            Tensor::<5>::from_data(TensorData::new(values, shape), device)
        };
        let (input, truth) = (tensor(batch.input), tensor(batch.truth));
        let output = input.clone() + network.forward(input);
        type Compared = fn(Tensor<5>, Tensor<5>) -> Tensor<1>;
        let (error, weight): (Compared, f64) = match self.loss.error {
            ErrorKind::Absolute => (losses::absolute, self.loss.nodule_weight),
            ErrorKind::Squared => (losses::root_mean_square, self.loss.nodule_weight.sqrt()),
        };
        // A factor on both counts as often in the error.
        let factors = tensor(batch.nodules) * (weight - 1.0) + 1.0;
        let value = error(output.clone() * factors.clone(), truth.clone() * factors);
        Ok((value + losses::gradients(output, truth) * self.loss.gradients).into())
    }
}
