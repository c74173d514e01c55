use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use kerma::engine;
use serde::{Deserialize, Serialize};

use super::{Quantity, Radiographs, Seen};
use crate::{
    Error, losses,
    networks::{Classifier, ClassifierOptions, Fresh},
    training::{Loss, System, Task, TrainingOptions, check_name, check_task, of_cases},
};

/// Everything that decides the training of a network that tells a quantity of a radiograph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `assess`.
    pub task: Task,
    /// Name of the model, and of its files.
    pub name: String,
    /// Seed of weights, exposures and places.
    pub seed: u64,
    /// What is told.
    pub quantity: Quantity,
    /// How it is told.
    pub answer: Answer,
    /// Whether the value is what the engine's fit of noise tells ([`kerma::noise::estimate`]), and the network's answer is what it
    /// errs by.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrects_fit: bool,
    /// Sizes of the network.
    pub network: ClassifierOptions,
    /// Where the radiographs come from.
    pub data: DataOptions,
    /// How long and how fast.
    pub training: TrainingOptions,
}

/// How a network answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// With the value; limits are set on it afterwards.
    Value,
    /// With classes: limits were set on the truths of the training.
    Classes,
}

/// Where radiographs come from: cases that `kerma simulate --keep integrals` has made without noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataOptions {
    /// Folders of cases, or of one.
    pub cases: Vec<PathBuf>,
    /// Cases that the trained network is calibrated on; without them it is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<PathBuf>,
    /// Whether each image has the truth of another one of its batch: a control, which nothing can be learned from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shuffled_labels: bool,
    /// Most memory that radiographs are kept in, in MB; the others are read again.
    #[serde(default = "usual_cache")]
    pub cache_mb: u64,
}

fn usual_cache() -> u64 {
    500
}

impl Recipe {
    /// Numbers that the network tells.
    fn outputs(&self) -> usize {
        match self.answer {
            Answer::Value => 1,
            Answer::Classes => self.quantity.classes(),
        }
    }

    /// The network's numbers of radiographs, `[radiograph][output]`.
    ///
    /// Crops of one are averaged. An angle is that of the image less that of its mirror image, halved, so that the mirror image
    /// has the opposite angle whatever was learned; so have classes.
    pub(super) fn numbers(&self, network: &Classifier, seen: Seen, device: &Device) -> Tensor<2> {
        let [channels, side, per] = self.quantity.shape();
        let images = seen.pixels.len() / (channels * side * side);
        let input = Tensor::<4>::from_data(TensorData::new(seen.pixels, [images, channels, side, side]), device);
        let outputs = self.outputs();
        if !self.quantity.is_odd() {
            let numbers = network.forward(input).reshape([images / per, per, outputs]);
            let numbers = numbers.mean_dim(1).squeeze_dim(1);
            return match self.corrects_fit {
                true => numbers + Tensor::from_data(TensorData::new(seen.fits, [images / per, 1]), device),
                false => numbers,
            };
        }
        let both = network.forward(Tensor::cat(vec![input.clone(), input.flip([3])], 0));
        let [own, mirrored] = [0, images].map(|start| both.clone().narrow(0, start, images));
        match self.answer {
            Answer::Value => (own - mirrored) / 2.0,
            Answer::Classes => (own + mirrored.flip([1])) / 2.0,
        }
    }
}

impl System for Recipe {
    const TASK: Task = Task::Assess;
    type Network = Classifier;
    type Data = Radiographs;

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
        if let Some(fault) = self.network.fault() {
            return refuse(format!("network: {fault}"));
        }
        let [channels, side, _] = self.quantity.shape();
        let (outputs, name) = (self.outputs(), self.quantity.name());
        if (self.network.inputs, self.network.outputs) != (channels, outputs) {
            let ClassifierOptions { inputs, outputs: got, .. } = self.network;
            let wanted = format!("inputs must be {channels} and outputs {outputs} for {name}");
            return refuse(format!("network: {wanted}, got {inputs} and {got}"));
        }
        if !side.is_multiple_of(self.network.multiple()) {
            let multiple = self.network.multiple();
            return refuse(format!("network: fold and levels must divide the {side} pixels of a side, got {multiple}"));
        }
        if self.corrects_fit && (self.quantity, self.answer) != (Quantity::Noise, Answer::Value) {
            return refuse("corrects_fit is for the value of noise alone".to_owned());
        }
        if self.corrects_fit && self.data.shuffled_labels {
            return refuse(
                "corrects_fit would tell a control the truth: leave it out beside shuffled_labels".to_owned(),
            );
        }
        if self.data.cases.is_empty() {
            return refuse("data.cases must name a folder of cases or more".to_owned());
        }
        if self.data.shuffled_labels && self.training.batch < 2 {
            return refuse("data.shuffled_labels needs a batch of 2 or more".to_owned());
        }
        if self.data.shuffled_labels && !self.data.validation.is_empty() {
            return refuse(
                "data.validation would tell a control the truth: leave it out beside shuffled_labels".to_owned(),
            );
        }
        self.training.check()
    }

    fn network(&self, fresh: &Fresh) -> Classifier {
        Classifier::new(&self.network, fresh)
    }

    async fn loss(
        &self,
        network: &Classifier,
        radiographs: &Radiographs,
        step: usize,
        _engine: &engine::Device,
        device: &Device,
    ) -> Result<Loss, Error> {
        let batch = radiographs.batch(self, step)?;
        let numbers = self.numbers(network, batch.seen, device);
        let (quantity, outputs) = (self.quantity, self.outputs());
        let wanted: Vec<f32> = match self.answer {
            Answer::Value => batch.truths.iter().map(|truth| quantity.scaled(*truth) as f32).collect(),
            Answer::Classes => {
                let one_hot = |truth: &f64| {
                    let class = quantity.class_of(*truth);
                    (0..outputs).map(move |k| if k == class { 1.0 } else { 0.0 })
                };
                batch.truths.iter().flat_map(one_hot).collect()
            }
        };
        let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [batch.truths.len(), outputs]), device);
        Ok(match self.answer {
            Answer::Value => losses::absolute(numbers, wanted),
            Answer::Classes => losses::softmax_cross_entropy(numbers, wanted),
        }
        .into())
    }
}
