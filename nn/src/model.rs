//! Model files: weights in safetensors, with a card that says what they are.

use std::{collections::BTreeMap, fs, path::Path};

use burn::{
    module::{Module, ModuleVisitor, Param},
    store::{ModuleSnapshot, SafetensorsStore},
    tensor::{Device, Tensor},
};
use half::f16;
use safetensors::{
    Dtype, SafeTensors,
    tensor::{Metadata, TensorView},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Error,
    networks::Fresh,
    training::{System, Task},
};

/// What the card of every model of this kind begins with.
const FORMAT: &str = "kerma-model";
/// Version of the card and of the networks' layout; later ones are refused.
const VERSION: u32 = 2;
/// The last version whose hash was that of the weights alone.
const WEIGHTS_HASHED: u32 = 1;
/// Name of the card among the metadata of the weights.
const CARD: &str = "kerma";

/// What a model is and where it comes from; stored with the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Card<S: System> {
    /// `kerma-model`.
    pub format: String,
    /// Version of the format.
    pub version: u32,
    /// What the network does.
    #[serde(default)]
    pub task: Task,
    /// Architecture, data, seed and training.
    pub recipe: S,
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
    /// Licence of the weights, as an SPDX expression; that of kerma where the one who trains says nothing else.
    #[serde(default = "own_licence")]
    pub licence: String,
    /// What the network was trained on, in words, with sources and licences.
    #[serde(default)]
    pub training_data: Vec<String>,
    /// What was measured of it, by name.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
    /// Precision of the weights in the file.
    #[serde(default)]
    pub precision: Precision,
    /// SHA-256 of the card with this field empty, and of the weights' bytes after it; up to version 1 of the weights alone.
    pub sha256: String,
}

/// Precision in which a file holds weights; in memory they are single.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    Single,
    /// 16 bits, of which 11 are the significand's: the network computes with what the file holds.
    Half,
}

fn own_licence() -> String {
    env!("CARGO_PKG_LICENSE").to_owned()
}

/// Where fresh weights came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Each from the recipe's seed and its own path ([`Fresh`]).
    #[default]
    SeedAndPath,
    /// Those of another model, which the recipe names.
    Model,
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
pub struct Model<S: System> {
    card: Card<S>,
    network: S::Network,
}

impl<S: System> Card<S> {
    /// The card of a training's result; the hash is that of a file only once one is written.
    #[must_use]
    pub fn new(recipe: S, losses: &[f32], seconds: f64, machine: String) -> Self {
        let last = &losses[losses.len() - losses.len().div_ceil(10)..];
        let loss = last.iter().sum::<f32>() / last.len().max(1) as f32;
        let training_data = recipe.training_data();
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            task: S::TASK,
            recipe,
            start: Start::default(),
            steps: losses.len(),
            parameters: 0,
            loss,
            seconds,
            machine,
            licence: own_licence(),
            training_data,
            metrics: BTreeMap::new(),
            precision: Precision::Single,
            sha256: String::new(),
        }
    }
}

impl<S: System> Model<S> {
    /// A model of a network and its card.
    #[must_use]
    pub fn new(mut card: Card<S>, network: S::Network) -> Self {
        card.parameters = network.num_params();
        Self { card, network }
    }

    /// The starting point of a recipe's training, without a step done.
    #[must_use]
    pub fn untrained(recipe: S, device: &Device) -> Self {
        let network = recipe.network(&Fresh::new(recipe.seed(), device));
        Self::new(Card::new(recipe, &[], 0.0, String::new()), network)
    }

    /// The card.
    #[must_use]
    pub fn card(&self) -> &Card<S> {
        &self.card
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &S::Network {
        &self.network
    }

    /// Writes the weights and, beside them, the card as `.json` for reading. What is written in half precision is what
    /// will be read: weights in memory stay as they are.
    ///
    /// # Errors
    /// [`Error::Model`] when a file cannot be written; the old one is left then, and a card is written only beside its weights.
    pub fn save(&mut self, path: &Path, precision: Precision) -> Result<(), Error> {
        let fail = |reason: String| Error::Model { path: path.to_owned(), reason };
        let bytes = |card: &str| -> Result<Vec<u8>, Error> {
            // The card alone: of several entries the order differs from file to file.
            let mut store = SafetensorsStore::from_bytes(None).clear_metadata().metadata(CARD, card);
            self.network.save_into(&mut store).map_err(|e| fail(e.to_string()))?;
            let bytes = store.get_bytes().map_err(|e| fail(e.to_string()))?;
            match precision {
                Precision::Single => Ok(bytes),
                Precision::Half => converted(&bytes, Dtype::F16).map_err(fail),
            }
        };
        let text = |card: &Card<S>| serde_json::to_string_pretty(card).map_err(|e| fail(e.to_string()));
        let unsigned = Card { precision, version: VERSION, sha256: String::new(), ..self.card.clone() };
        let sha256 = hash(text(&unsigned)?.as_bytes(), &bytes("")?);
        let sha256 = sha256.ok_or_else(|| fail("the weights could not be laid out".to_owned()))?;
        let card = Card { sha256, ..unsigned };
        let text = text(&card)?;
        kerma::io::write_bytes(path, &bytes(&text)?).map_err(|e| fail(e.to_string()))?;
        let beside = path.with_extension("json");
        kerma::io::write_bytes(&beside, text.as_bytes()).map_err(|e| fail(e.to_string()))?;
        self.card = card;
        Ok(())
    }

    /// Reads a model onto a device.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read, [`Error::Model`] when it is cut, its weights or its card are damaged, or
    /// it is of another format, version, task or architecture.
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
        let (header, text, opening) = opened(bytes).map_err(fail)?;
        if opening.task != S::TASK {
            let (wanted, got) = (S::TASK, opening.task);
            return Err(fail(format!("is a model for the task \"{got}\"; one for \"{wanted}\" is needed")));
        }
        let card: Card<S> = serde_json::from_str(&text).map_err(|e| fail(format!("the card cannot be read: {e}")))?;
        card.recipe.check().map_err(|e| fail(format!("the card describes no network: {e}")))?;
        let (stored, name) = match card.precision {
            Precision::Single => (Dtype::F32, "F32"),
            Precision::Half => (Dtype::F16, "F16"),
        };
        if let Some((tensor, other)) = header.tensors().into_iter().find(|(_, tensor)| tensor.dtype != stored) {
            return Err(fail(format!("weights must be {name}, {tensor} is {:?}", other.dtype)));
        }
        let unsigned = match card.version {
            ..=WEIGHTS_HASHED => String::new(),
            _ => text.replacen(&card.sha256, "", 1),
        };
        if hash(unsigned.as_bytes(), bytes).as_ref() != Some(&card.sha256) {
            return Err(fail("card and weights are not those that were written: the file is damaged".to_owned()));
        }
        // Parameters are drawn when they are read: a network of any size costs nothing until its weights are those of the file.
        let mut network = card.recipe.network(&Fresh::new(card.recipe.seed(), device));
        compare(&network, &header).map_err(|difference| {
            fail(format!("the weights are not those of the card's architecture: {difference}"))
        })?;
        let single = match card.precision {
            Precision::Single => bytes.to_vec(),
            Precision::Half => converted(bytes, Dtype::F32).map_err(fail)?,
        };
        let mut store = SafetensorsStore::from_bytes(Some(single));
        network.load_from(&mut store).map_err(|e| fail(e.to_string()))?;
        Ok(Self { card, network })
    }
}

/// What the network of a model file does, by its card.
///
/// # Errors
/// [`Error::File`] when the file cannot be read, [`Error::Model`] when it is no model of kerma's.
pub fn task_of_model(path: &Path) -> Result<Task, Error> {
    let bytes = fs::read(path).map_err(|e| Error::File { path: path.to_owned(), source: e })?;
    let (_, _, opening) = opened(&bytes).map_err(|reason| Error::Model { path: path.to_owned(), reason })?;
    Ok(opening.task)
}

/// Header, card, and what the card begins with, of the bytes of a model file.
fn opened(bytes: &[u8]) -> Result<(Metadata, String, Opening), String> {
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|e| format!("not a complete safetensors file ({e})"))?;
    let text = header.metadata().as_ref().and_then(|all| all.get(CARD)).cloned();
    let text = text.ok_or("holds no kerma model: its metadata have no card")?;
    let opening: Opening = serde_json::from_str(&text).map_err(|e| format!("the card cannot be read: {e}"))?;
    if opening.format != FORMAT || !(1..=VERSION).contains(&opening.version) {
        let Opening { format, version, .. } = opening;
        return Err(format!(
            "is \"{format}\" version {version}; this kerma reads \"{FORMAT}\" up to version {VERSION}"
        ));
    }
    Ok((header, text, opening))
}

/// The same file with weights of another precision.
fn converted(bytes: &[u8], to: Dtype) -> Result<Vec<u8>, String> {
    let said = |e: safetensors::SafeTensorError| e.to_string();
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(said)?;
    let file = SafeTensors::deserialize(bytes).map_err(said)?;
    let convert = |data: &[u8]| -> Vec<u8> {
        match to {
            Dtype::F16 => {
                data.as_chunks().0.iter().flat_map(|v| f16::from_f32(f32::from_le_bytes(*v)).to_le_bytes()).collect()
            }
            _ => data.as_chunks().0.iter().flat_map(|v| f16::from_le_bytes(*v).to_f32().to_le_bytes()).collect(),
        }
    };
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> =
        file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec(), convert(view.data()))).collect();
    let views = tensors.iter().map(|(name, shape, data)| Ok((name, TensorView::new(to, shape.clone(), data)?)));
    let views = views.collect::<Result<Vec<_>, _>>().map_err(said)?;
    safetensors::serialize(views, header.metadata().clone()).map_err(said)
}

/// What every card begins with, whatever its version.
#[derive(Deserialize)]
struct Opening {
    format: String,
    version: u32,
    #[serde(default)]
    task: Task,
}

/// What differs first between the parameters of a network and the tensors of a file, in names and shapes.
fn compare<M: Module>(network: &M, header: &Metadata) -> Result<(), String> {
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

/// SHA-256 of a card and of what follows the header of a safetensors file.
fn hash(card: &[u8], bytes: &[u8]) -> Option<String> {
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let weights = bytes.get(usize::try_from(length).ok()?.checked_add(8)?..)?;
    let digest = Sha256::new().chain_update(card).chain_update(weights).finalize();
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
