//! Conventions of kernels as they are written in presets: by the names that the kernels give them.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

use crate::kernels::{clahe, threshold::triangle};

/// Choices that have names.
pub(super) trait Named: Copy + PartialEq + 'static {
    /// The choices with their names.
    const ALL: &'static [(&'static str, Self)];
}

impl Named for triangle::Convention {
    const ALL: &'static [(&'static str, Self)] = &Self::NAMES;
}

impl Named for clahe::Convention {
    const ALL: &'static [(&'static str, Self)] = &Self::NAMES;
}

pub(super) fn serialize<T: Named, S: Serializer>(choice: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let name = T::ALL.iter().find(|(_, known)| known == choice).map_or("", |(name, _)| name);
    serializer.serialize_str(name)
}

pub(super) fn deserialize<'de, T: Named, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let got = String::deserialize(deserializer)?;
    T::ALL.iter().find(|(name, _)| *name == got).map(|(_, choice)| *choice).ok_or_else(|| {
        let known: Vec<&str> = T::ALL.iter().map(|(name, _)| *name).collect();
        D::Error::custom(format!("must be one of {}, got \"{got}\"", known.join(", ")))
    })
}
