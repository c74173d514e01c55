use std::{
    fmt::{self, Debug, Display, Formatter},
    future::Future,
    path::PathBuf,
};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use kerma::engine;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Judges, TrainingOptions};
use crate::{Error, networks::Fresh, recipe::from_toml};

/// A kind of learned system, by the recipe that describes one: its network, the data it learns from, and what is asked of it.
///
/// The same recipe gives the same weights, to the bit, on the same device: fresh weights are a function of seed and path
/// ([`Fresh`]), what is drawn for a step one of seed and step ([`Draws`](super::Draws)).
pub trait System: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// What recipes and cards of this kind have as their `task`.
    const TASK: Task;
    /// What is trained.
    type Network: Module + Debug;
    /// What batches are cut from.
    type Data;

    /// Name of the model, and of its files.
    fn name(&self) -> &str;

    /// Seed of weights and draws.
    fn seed(&self) -> u64;

    /// How long and how fast.
    fn training(&self) -> &TrainingOptions;

    /// Whether the recipe can be followed.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the place and what is allowed there.
    fn check(&self) -> Result<(), Error>;

    /// What the network learns from, in words, for the card.
    fn training_data(&self) -> Vec<String>;

    /// Reads a recipe.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the place and what is allowed there.
    fn from_toml(text: &str) -> Result<Self, Error> {
        let recipe: Self = from_toml(text)?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The network with fresh weights. Parameters are drawn when they are first read: a network of any size costs nothing
    /// before.
    fn network(&self, fresh: &Fresh) -> Self::Network;

    /// Networks that judge the outputs, where the recipe is adversarial.
    fn judges(&self, _fresh: &Fresh, _device: &Device) -> Option<Judges> {
        None
    }

    /// Parts that learn more slowly than the rest, where there are any.
    fn slow_parts(&self) -> Option<SlowParts> {
        None
    }

    /// Whether all gradients could be computed that went through `data`: burn's differentiation has no errors of its own.
    ///
    /// # Errors
    /// What failed.
    fn check_gradients(&self, _data: &Self::Data) -> Result<(), Error> {
        Ok(())
    }

    /// The loss of the network on the batch of a step, its tensors on `device`.
    fn loss(
        &self,
        network: &Self::Network,
        data: &Self::Data,
        step: usize,
        engine: &engine::Device,
        device: &Device,
    ) -> impl Future<Output = Result<Loss, Error>>;
}

/// What a learned system does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Noise is taken off an image; also networks whose features compare images. What recipes without a word on it are for.
    #[default]
    Denoise,
    /// A reconstruction is made more like the body: volume to volume.
    Improve,
    /// Nodules are found: volume to probabilities.
    Segment,
    /// A quantity of a radiograph is told: image to a number, or to classes.
    Assess,
    /// A slice is reconstructed: projections to attenuation.
    Reconstruct,
}

impl Task {
    /// The task of a recipe, whatever else it says.
    ///
    /// # Errors
    /// [`Error::Recipe`] when the text is no TOML or names no task of kerma's.
    pub fn of_recipe(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Opening {
            #[serde(default)]
            task: Task,
        }
        let opening: Opening = from_toml(text)?;
        Ok(opening.task)
    }

    pub(crate) fn is_denoise(&self) -> bool {
        *self == Self::Denoise
    }
}

impl Display for Task {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denoise => "denoise",
            Self::Improve => "improve",
            Self::Segment => "segment",
            Self::Assess => "assess",
            Self::Reconstruct => "reconstruct",
        })
    }
}

/// Parts of a network with a learning rate of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowParts {
    /// Their names, with which the paths of their parameters begin.
    pub names: &'static [&'static str],
    /// Their rate, relative to that of the rest.
    pub rate: f64,
}

/// Words for folders of cases.
pub(crate) fn of_cases(folders: &[PathBuf]) -> Vec<String> {
    let words = |folder: &PathBuf| {
        format!("cases of kerma simulate in {}, whose README.md has their sources and licences", folder.display())
    };
    folders.iter().map(words).collect()
}

/// Whether a recipe has the task that it is read for.
pub(crate) fn check_task(task: Task, wanted: Task) -> Result<(), Error> {
    match task == wanted {
        true => Ok(()),
        false => Err(Error::Recipe(format!("task must be \"{wanted}\", got \"{task}\""))),
    }
}

/// The loss of a batch, and the outputs and truths that judges are to see, where there are any.
pub struct Loss {
    /// What is made small.
    pub value: Tensor<1>,
    /// Output and truth.
    pub judged: Option<[Tensor<4>; 2]>,
}

impl From<Tensor<1>> for Loss {
    fn from(value: Tensor<1>) -> Self {
        Self { value, judged: None }
    }
}
