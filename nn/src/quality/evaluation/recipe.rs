use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::Quantity;
use crate::{Error, recipe::from_toml};

/// What is compared, and on which bodies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `quality`.
    pub kind: String,
    /// Seed of exposures and intervals.
    pub seed: u64,
    /// Cases that the baselines are fitted on: those of the trainings.
    pub fit: PathBuf,
    /// Test cases.
    pub test: PathBuf,
    /// Cases of real bodies, for which intervals need more than one; left out where they are not there.
    #[serde(default)]
    pub real: Option<PathBuf>,
    /// Angle by which the real bodies lie turned in their CTs, to the own left; it adds to that of the cases.
    #[serde(default)]
    pub real_turned_deg: f64,
    /// What is compared, for each quantity.
    pub networks: Vec<Networks>,
}

/// Networks for one quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Networks {
    /// What they tell.
    pub quantity: Quantity,
    /// Model that answers with the value.
    pub value: PathBuf,
    /// Model that answers with classes.
    pub classes: PathBuf,
    /// Model of shuffled labels, a control; left out where it is not there.
    #[serde(default)]
    pub shuffled: Option<PathBuf>,
}

impl Recipe {
    /// What `kind` says in recipes of this evaluation.
    pub const KIND: &'static str = "quality";

    /// Reads a recipe.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the place and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let recipe: Self = from_toml(text)?;
        if recipe.networks.is_empty() {
            return Err(Error::Recipe("networks must be there, for a quantity or more".to_owned()));
        }
        Ok(recipe)
    }

    /// Takes out what is not there: quantities without their two models, and controls; gives their names.
    pub fn leave_out(&mut self, is_there: impl Fn(&Path) -> bool) -> Vec<String> {
        let is_absent = |path: &PathBuf| !is_there(path);
        let lacking = |networks: &mut Networks| is_absent(&networks.value) || is_absent(&networks.classes);
        let mut names: Vec<String> =
            self.networks.extract_if(.., lacking).map(|networks| networks.quantity.name().to_owned()).collect();
        for networks in &mut self.networks {
            if networks.shuffled.take_if(|path| is_absent(path)).is_some() {
                names.push(format!("{}, shuffled labels", networks.quantity.name()));
            }
        }
        names
    }
}
