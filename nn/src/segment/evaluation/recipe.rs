use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Error, recipe::from_toml};

/// What is compared, and on which bodies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `detection`.
    pub kind: String,
    /// Seed of the intervals.
    pub seed: u64,
    /// Test cases: body, reconstruction and nodules.
    pub test: PathBuf,
    /// Cases of the same names whose bodies have the voxels of a CT; without them those of the test cases stand for it.
    #[serde(default)]
    pub ct: Option<PathBuf>,
    /// Cases of real bodies; left out where they are not there.
    #[serde(default)]
    pub real: Option<PathBuf>,
    /// Model files, each of a network for another kind of volume.
    pub models: Vec<PathBuf>,
    /// A model that was trained on the nodules of other bodies, from which nothing can be learned.
    #[serde(default)]
    pub control: Option<PathBuf>,
    /// Depth within which a mark hits by the criterion in the plane, in millimetres: the width of a nodule's artefact.
    pub depth_mm: f64,
}

impl Recipe {
    /// What `kind` says in recipes of this evaluation.
    pub const KIND: &'static str = "detection";

    /// Reads a recipe.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the place and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let recipe: Self = from_toml(text)?;
        if recipe.models.is_empty() {
            return Err(Error::Recipe("models must name a model or more".to_owned()));
        }
        if !(recipe.depth_mm > 0.0 && recipe.depth_mm.is_finite()) {
            return Err(Error::Recipe(format!("depth_mm must be positive, got {}", recipe.depth_mm)));
        }
        Ok(recipe)
    }
}
