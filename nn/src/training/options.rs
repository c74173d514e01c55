use serde::{Deserialize, Serialize};

use super::{LearningRate, Shape};
use crate::Error;

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

fn usual_epsilon() -> f32 {
    1e-8
}

impl TrainingOptions {
    /// The learning rate as a function of the step.
    #[must_use]
    pub fn rate(&self) -> LearningRate {
        let Self { shape, learning_rate, warm_up, steps, .. } = *self;
        LearningRate { shape, peak: learning_rate, warm_up, steps }
    }

    /// Whether all numbers are within their ranges.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the number and what is allowed.
    pub fn check(&self) -> Result<(), Error> {
        let t = self;
        let positive = [("batch", t.batch), ("steps", t.steps), ("checkpoint", t.checkpoint)];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(Error::Recipe(format!("training.{name} must be at least 1, got 0")));
        }
        let real = [
            ("learning_rate", t.learning_rate, 1.0),
            ("epsilon", t.epsilon.into(), 1.0),
            ("clip", t.clip, f64::MAX),
            ("mean_decay", t.mean_decay, 1.0),
        ];
        if let Some((name, value, most)) = real.iter().find(|(_, value, most)| !(*value > 0.0 && value <= most)) {
            return Err(Error::Recipe(format!("training.{name} must be positive and at most {most}, got {value}")));
        }
        Ok(())
    }
}

/// Whether files may have such a name.
///
/// # Errors
/// [`Error::Recipe`] with the name and what is allowed.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        let allowed = "letters, digits, '-', '_' and '.'";
        return Err(Error::Recipe(format!("name must consist of {allowed}, got \"{name}\"")));
    }
    Ok(())
}
