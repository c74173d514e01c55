//! Arrays of a file with exactly as many elements as asked for; serde's own reader drops the rest in silence.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads exactly `N` values.
pub(crate) fn exact<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    deserializer: D,
) -> Result<[T; N], D::Error> {
    let values = Vec::deserialize(deserializer)?;
    values.try_into().map_err(|values: Vec<T>| Error::invalid_length(values.len(), &format!("{N} values").as_str()))
}

/// Reads exactly `N` values of a field that may be absent.
pub(crate) fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    deserializer: D,
) -> Result<Option<[T; N]>, D::Error> {
    exact(deserializer).map(Some)
}
