//! Recipes as texts.

use serde::{Deserialize, de::DeserializeOwned};

use crate::Error;

/// Reads a recipe, unchecked.
///
/// # Errors
/// [`Error::Recipe`] with the place and what is allowed there.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|e| Error::Recipe(e.to_string().trim_end().to_owned()))
}

/// What `kind` says in the recipe of an evaluation, where it says something.
#[must_use]
pub fn evaluation_kind(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Opening {
        kind: String,
    }
    toml::from_str::<Opening>(text).ok().map(|opening| opening.kind)
}
