use std::{fmt, str::FromStr};

use super::TaskError;

/// What an enhancement computes on its way and can hand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The image as the steps see it: whole numbers, bright where much was attenuated.
    Prepared,
    /// The foreground, as 0 and 255.
    Mask,
    /// After local histogram equalisation.
    Clahe,
    /// A band of the Laplacian pyramid before its gain, signed, 1 being the finest.
    Band(u8),
    /// After the Laplacian pyramid, before the tone curve.
    Laplacian,
}

impl Stage {
    /// The names, for messages; bands are numbered from the finest on.
    pub const NAMES: &str = "prepared, mask, clahe, band1 … band12, laplacian";
    /// Largest number of bands.
    pub const MAX_BANDS: u8 = 12;
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepared => f.write_str("prepared"),
            Self::Mask => f.write_str("mask"),
            Self::Clahe => f.write_str("clahe"),
            Self::Band(number) => write!(f, "band{number}"),
            Self::Laplacian => f.write_str("laplacian"),
        }
    }
}

impl FromStr for Stage {
    type Err = TaskError;

    fn from_str(text: &str) -> Result<Self, TaskError> {
        let band = || text.strip_prefix("band")?.parse().ok().filter(|n| (1..=Self::MAX_BANDS).contains(n));
        Ok(match text {
            "prepared" => Self::Prepared,
            "mask" => Self::Mask,
            "clahe" => Self::Clahe,
            "laplacian" => Self::Laplacian,
            _ => Self::Band(band().ok_or_else(|| TaskError::Name {
                what: "stage",
                allowed: Self::NAMES.to_owned(),
                got: text.to_owned(),
            })?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for stage in [Stage::Prepared, Stage::Mask, Stage::Clahe, Stage::Band(1), Stage::Band(12), Stage::Laplacian] {
            assert_eq!(stage.to_string().parse::<Stage>(), Ok(stage));
        }
        for text in ["", "band", "band0", "band13", "bandit", "Mask"] {
            let message = text.parse::<Stage>().unwrap_err().to_string();
            assert!(message.starts_with("stage must be one of prepared, mask,"), "{message}");
            assert!(message.ends_with(&format!("got \"{text}\"")), "{message}");
        }
    }
}
