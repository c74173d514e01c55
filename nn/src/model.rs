//! Model files: weights in safetensors, with a card that says what they are.

use std::{collections::BTreeMap, fs, path::Path};

use burn::{
    module::{Module, ModuleVisitor, Param},
    store::{ModuleSnapshot, SafetensorsStore},
    tensor::{Device, Tensor},
};
use safetensors::{Dtype, SafeTensors, tensor::Metadata};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Error,
    networks::{Fresh, Unet},
    training::Recipe,
};

/// What the card of every model of this kind begins with.
const FORMAT: &str = "kerma-model";
/// Version of the card and of the networks' layout; another one is refused.
const VERSION: u32 = 1;
/// Name of the card among the metadata of the weights.
const CARD: &str = "kerma";

/// What a model is and where it comes from; stored with the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// `kerma-model`.
    pub format: String,
    /// Version of the format.
    pub version: u32,
    /// Architecture, data, seed and training.
    pub recipe: Recipe,
    /// Where the weights came from before the first step.
    #[serde(default = "Start::unsaid")]
    pub start: Start,
    /// Steps done.
    pub steps: usize,
    /// Number of weights.
    pub parameters: usize,
    /// Mean loss over the last tenth of the steps.
    pub loss: f32,
    /// Wall time of the steps.
    pub seconds: f64,
    /// Device on which it ran.
    pub machine: String,
    /// What was measured of it, by name.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
    /// SHA-256 of the weights' bytes.
    pub sha256: String,
}

/// Where fresh weights came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Each from the recipe's seed and its own path ([`Fresh`]).
    #[default]
    SeedAndPath,
    /// From the one generator that burn has for a process, seeded by the recipe; cards and checkpoints without a word on
    /// it are of that time. Training such a recipe now starts from other weights.
    ProcessGenerator,
}

impl Start {
    pub(crate) fn unsaid() -> Self {
        Self::ProcessGenerator
    }
}

/// A trained network and its card.
#[derive(Clone, Debug)]
pub struct Model {
    card: Card,
    network: Unet,
}

impl Card {
    /// The card of a training's result; the hash is that of a file only once one is written.
    #[must_use]
    pub fn new(recipe: Recipe, losses: &[f32], seconds: f64, machine: String) -> Self {
        let last = &losses[losses.len() - losses.len().div_ceil(10)..];
        let loss = last.iter().sum::<f32>() / last.len().max(1) as f32;
        let (format, metrics, sha256) = (FORMAT.to_owned(), BTreeMap::new(), String::new());
        let (version, steps) = (VERSION, losses.len());
        let start = Start::default();
        Self { format, version, recipe, start, steps, parameters: 0, loss, seconds, machine, metrics, sha256 }
    }
}

impl Model {
    /// A model of a network and its card.
    #[must_use]
    pub fn new(mut card: Card, network: Unet) -> Self {
        card.parameters = network.num_params();
        Self { card, network }
    }

    /// The starting point of a recipe's training, without a step done: its fresh weights, whose output is 0 everywhere.
    #[must_use]
    pub fn untrained(recipe: Recipe, device: &Device) -> Self {
        let network = Unet::new(&recipe.network, &Fresh::new(recipe.seed, device));
        Self::new(Card::new(recipe, &[], 0.0, String::new()), network)
    }

    /// The card.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Unet {
        &self.network
    }

    /// Writes the weights and, beside them, the card as `.json` for reading.
    ///
    /// # Errors
    /// [`Error::Model`] when a file cannot be written; the old one is left then, and a card is written only beside its weights.
    pub fn save(&mut self, path: &Path) -> Result<(), Error> {
        let fail = |reason: String| Error::Model { path: path.to_owned(), reason };
        let bytes = |card: &str| -> Result<Vec<u8>, Error> {
            let mut store = SafetensorsStore::from_bytes(None).metadata(CARD, card);
            self.network.save_into(&mut store).map_err(|e| fail(e.to_string()))?;
            store.get_bytes().map_err(|e| fail(e.to_string()))
        };
        let sha256 = hash(&bytes("")?).ok_or_else(|| fail("the weights could not be laid out".to_owned()))?;
        let card = Card { sha256, ..self.card.clone() };
        let text = serde_json::to_string_pretty(&card).map_err(|e| fail(e.to_string()))?;
        kerma::io::write_bytes(path, &bytes(&text)?).map_err(|e| fail(e.to_string()))?;
        let beside = path.with_extension("json");
        kerma::io::write_bytes(&beside, text.as_bytes()).map_err(|e| fail(e.to_string()))?;
        self.card = card;
        Ok(())
    }

    /// Reads a model onto a device.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read, [`Error::Model`] when it is cut, its weights are damaged, or it is of
    /// another format, version or architecture.
    pub fn load(path: &Path, device: &Device) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|e| Error::File { path: path.to_owned(), source: e })?;
        Self::from_bytes(&bytes, path, device)
    }

    /// Reads a model from memory; `path` stands in messages.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path, device: &Device) -> Result<Self, Error> {
        let fail = |reason: String| Error::Model { path: path.to_owned(), reason };
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|e| fail(format!("not a complete safetensors file ({e})")))?;
        let text = header.metadata().as_ref().and_then(|all| all.get(CARD));
        let text = text.ok_or_else(|| fail("holds no kerma model: its metadata have no card".to_owned()))?;
        let opening: Opening = serde_json::from_str(text).map_err(|e| fail(format!("the card cannot be read: {e}")))?;
        if opening.format != FORMAT || opening.version != VERSION {
            let Opening { format, version } = opening;
            return Err(fail(format!(
                "is \"{format}\" version {version}; this kerma reads \"{FORMAT}\" version {VERSION}"
            )));
        }
        let card: Card = serde_json::from_str(text).map_err(|e| fail(format!("the card cannot be read: {e}")))?;
        card.recipe.check().map_err(|e| fail(format!("the card describes no network: {e}")))?;
        if let Some((name, tensor)) = header.tensors().into_iter().find(|(_, tensor)| tensor.dtype != Dtype::F32) {
            return Err(fail(format!("weights must be F32, {name} is {:?}", tensor.dtype)));
        }
        if hash(bytes).as_ref() != Some(&card.sha256) {
            return Err(fail("the weights are not those of the card: the file is damaged".to_owned()));
        }
        // Parameters are drawn when they are read: a network of any size costs nothing until its weights are those of the file.
        let mut network = Unet::new(&card.recipe.network, &Fresh::new(card.recipe.seed, device));
        compare(&network, &header).map_err(|difference| {
            fail(format!("the weights are not those of the card's architecture: {difference}"))
        })?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes.to_vec()));
        network.load_from(&mut store).map_err(|e| fail(e.to_string()))?;
        Ok(Self { card, network })
    }
}

/// What every card begins with, whatever its version.
#[derive(Deserialize)]
struct Opening {
    format: String,
    version: u32,
}

/// What differs first between the parameters of a network and the tensors of a file, in names and shapes.
fn compare(network: &Unet, header: &Metadata) -> Result<(), String> {
    /// Shapes of parameters by their paths.
    #[derive(Default)]
    struct Shapes {
        path: Vec<String>,
        found: BTreeMap<String, Vec<usize>>,
    }
    impl ModuleVisitor for Shapes {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.found.insert(self.path.join("."), param.lazy_shape().to_vec());
        }
    }
    let mut shapes = Shapes::default();
    network.visit(&mut shapes);
    let tensors = header.tensors();
    for (name, shape) in &shapes.found {
        match tensors.get(name) {
            None => return Err(format!("{name} of {shape:?} is not there")),
            Some(tensor) if tensor.shape != *shape => {
                return Err(format!("{name} must be {shape:?}, got {:?}", tensor.shape));
            }
            Some(_) => {}
        }
    }
    match tensors.keys().filter(|name| !shapes.found.contains_key(*name)).min() {
        Some(name) => Err(format!("it has no {name}")),
        None => Ok(()),
    }
}

/// SHA-256 of what follows the header of a safetensors file.
fn hash(bytes: &[u8]) -> Option<String> {
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let weights = bytes.get(usize::try_from(length).ok()?.checked_add(8)?..)?;
    Some(Sha256::digest(weights).iter().map(|byte| format!("{byte:02x}")).collect())
}
