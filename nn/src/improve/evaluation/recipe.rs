use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, recipe::from_toml};

/// What is compared, and on which bodies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `improvement`.
    pub kind: String,
    /// Seed of the intervals.
    pub seed: u64,
    /// Cases that reconstructions are calibrated on: those of the trainings.
    pub fit: PathBuf,
    /// Test cases, each with nodules and without them.
    pub test: PathBuf,
    /// Cases of real bodies, for which intervals need more than one; left out where they are not there.
    #[serde(default)]
    pub real: Option<PathBuf>,
    /// What is compared.
    pub variants: Vec<Variant>,
}

/// A network, or several whose outputs are averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Name in tables.
    pub name: String,
    /// Model files.
    pub models: Vec<PathBuf>,
}

impl Recipe {
    /// What `kind` says in recipes of this evaluation.
    pub const KIND: &'static str = "improvement";

    /// Reads a recipe.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the place and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let recipe: Self = from_toml(text)?;
        if recipe.variants.iter().any(|variant| variant.models.is_empty()) || recipe.variants.is_empty() {
            return Err(Error::Recipe("variants must be there, each with a model or more".to_owned()));
        }
        Ok(recipe)
    }

    /// Takes variants out whose models are not all there; gives their names.
    pub fn leave_out(&mut self, is_there: impl Fn(&Path) -> bool) -> Vec<String> {
        let absent = |variant: &mut Variant| variant.models.iter().any(|model| !is_there(model));
        self.variants.extract_if(.., absent).map(|variant| variant.name).collect()
    }
}
