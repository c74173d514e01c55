use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Error, recipe::from_toml};

/// What is compared, and on which bodies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `reconstruction`.
    pub kind: String,
    /// Seed of noise and intervals.
    pub seed: u64,
    /// Model that reconstructs.
    pub model: PathBuf,
    /// Model whose operators have their views shuffled: the control.
    pub control: PathBuf,
    /// Seed of the test bodies, another one than the training's.
    pub bodies_seed: u64,
    /// Number of test bodies.
    pub bodies: usize,
    /// Ends of the windows of filtered back-projection, relative to the Nyquist frequency.
    pub cutoffs: Vec<f64>,
    /// Weights of total variation, in 1/mm.
    pub weights_per_mm: Vec<f64>,
    /// Iterations with total variation.
    pub iterations: usize,
}

impl Recipe {
    /// What `kind` says in recipes of this evaluation.
    pub const KIND: &'static str = "reconstruction";

    /// Reads a recipe.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the place and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let recipe: Self = from_toml(text)?;
        let refuse = |text: String| Err(Error::Recipe(text));
        if recipe.bodies < 2 {
            return refuse(format!("bodies must be 2 or more, for intervals, got {}", recipe.bodies));
        }
        if recipe.iterations == 0 {
            return refuse("iterations must be at least 1, got 0".to_owned());
        }
        if recipe.cutoffs.is_empty() || recipe.weights_per_mm.is_empty() {
            return refuse("cutoffs and weights_per_mm must hold a number or more".to_owned());
        }
        if let Some(got) = recipe.cutoffs.iter().find(|cutoff| !(**cutoff > 0.0 && **cutoff <= 1.0)) {
            return refuse(format!("cutoffs must be above 0 and at most 1, got {got}"));
        }
        if let Some(got) = recipe.weights_per_mm.iter().find(|weight| !(**weight > 0.0 && weight.is_finite())) {
            return refuse(format!("weights_per_mm must be above 0 per mm, got {got}"));
        }
        Ok(recipe)
    }
}
