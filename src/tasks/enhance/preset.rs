#[cfg(feature = "io")]
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::{EnhanceOptions, TaskError};
#[cfg(feature = "io")]
use crate::tasks::built_in::as_file;
use crate::tasks::built_in::built_in;

/// Largest preset file that is read; built-in ones have about 2 KB.
#[cfg(feature = "io")]
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Options under a name, with the reason for each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// What it is for, in a line.
    pub description: String,
    /// The options.
    pub options: EnhanceOptions,
}

/// A preset that is not there or cannot be used: the caller's parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PresetError {
    /// No built-in preset goes by this name.
    #[error("preset must be one of {allowed}, or a .toml file, got \"{got}\"", allowed = Preset::NAMES.join(", "))]
    Unknown {
        /// What was asked for.
        got: String,
    },
    /// The text is not TOML, or a field is missing, unknown or of the wrong type.
    #[error("{}{message}", line_text(*.line))]
    Toml {
        /// Where, if it is about one line.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// A number is not allowed.
    #[error(transparent)]
    Options(#[from] TaskError),
    /// The file cannot be read.
    #[error("{}: cannot read: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// Any of the other errors, met in a file.
    #[error("{}: {reason}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        reason: Box<PresetError>,
    },
}

fn line_text(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

impl Preset {
    built_in!(
        "preset",
        "presets",
        PresetError,
        "chest",
        "extremity",
        "abdomen",
        "paediatric",
        "small-animal",
        "medium-animal",
        "large-animal"
    );

    /// A built-in preset, or that of a file: whatever ends in `.toml` or has a folder in front is a file.
    ///
    /// # Errors
    /// [`PresetError`] when there is none, or the file cannot be used.
    pub fn find(name: &str) -> Result<Self, PresetError> {
        #[cfg(feature = "io")]
        if let Some(path) = as_file(name) {
            return Self::read(path);
        }
        Self::from_toml(Self::text(name)?)
    }

    /// Reads a preset from its text; every number of it is checked.
    ///
    /// # Errors
    /// [`PresetError`] naming the line or the field.
    pub fn from_toml(text: &str) -> Result<Self, PresetError> {
        let failed = |error: toml::de::Error| toml_error(text, &error);
        let mut table = DeTable::parse(text).map_err(failed)?;
        let description = table.get_mut().remove("description").map(Spanned::into_inner);
        let description = match description {
            Some(DeValue::String(text)) => text.into_owned(),
            None => String::new(),
            Some(other) => {
                let message = format!("description must be a string, got {}", other.type_str());
                return Err(PresetError::Toml { line: None, message });
            }
        };
        let options = EnhanceOptions::deserialize(Deserializer::from(table)).map_err(failed)?;
        options.check()?;
        Ok(Self { description, options })
    }

    /// Reads a preset file.
    ///
    /// # Errors
    /// [`PresetError`] when it cannot be read or used, with the file's name.
    #[cfg(feature = "io")]
    pub fn read(path: &Path) -> Result<Self, PresetError> {
        let text = crate::io::read_text(path, "preset", MAX_FILE_BYTES)
            .map_err(|reason| PresetError::Read { path: path.to_owned(), reason })?;
        Self::from_toml(&text).map_err(|reason| PresetError::InFile { path: path.to_owned(), reason: Box::new(reason) })
    }
}

fn toml_error(text: &str, error: &toml::de::Error) -> PresetError {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.matches('\n').count() + 1);
    let message = error.message().replace('\n', ", ").replace("expected u32", "expected a whole number from 0");
    let message = message.replace("expected f64", "expected a number");
    // The bits of the result are the only number of eight bits.
    PresetError::Toml { line, message: message.replace("expected u8", "expected 1 to 16") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_preset_is_read_and_described() {
        for name in Preset::NAMES {
            let preset = Preset::find(name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(preset.description.len() > 20, "{name}");
            let EnhanceOptions { mask, clahe, laplacian, .. } = &preset.options;
            assert!(mask.is_some() && clahe.is_some() && laplacian.is_some(), "{name}");
            for line in Preset::text(name).unwrap().lines().filter(|line| line.contains(" = ")) {
                assert!(line.contains('#') || line.starts_with("description = "), "{name}: no reason for {line}");
            }
        }
    }

    #[test]
    fn options_survive_the_file() {
        for name in Preset::NAMES {
            let options = Preset::find(name).unwrap().options;
            let text = toml::to_string(&options).unwrap();
            assert_eq!(Preset::from_toml(&text).unwrap().options, options, "{text}");
        }
    }

    fn message(text: &str) -> String {
        Preset::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn faults_are_named_with_line_field_and_what_is_allowed() {
        let clahe = "[clahe]\ntiles = [8, 8]\nclip = 2.0\n";
        assert!(Preset::from_toml(clahe).is_ok());
        let line = message(&format!("{clahe}clop = 1\n"));
        assert!(line.starts_with("line 4: unknown field `clop`, expected one of `tiles`"), "{line}");
        assert!(message("[clhe]\n").contains("unknown field `clhe`"));
        assert!(message("[clahe]\ntiles = [8, 8]\n").contains("missing field `clip`"));
        assert!(message(&clahe.replace("8]", "8, 8]")).starts_with("line 2: "));
        assert_eq!(message(&clahe.replace("2.0", "0")), "clahe.clip must be above 0 and at most 1000, got 0");
        assert_eq!(message(&clahe.replace("2.0", "nan")), "clahe.clip must be above 0 and at most 1000, got NaN");
        assert_eq!(message(&clahe.replace("[8", "[0")), "clahe.tiles must be 1 to 256, got 0");
        assert_eq!(message("bits = 17\n"), "bits must be 1 to 16, got 17");
        assert_eq!(message("bits = 300\n"), "line 1: invalid value: integer `300`, expected 1 to 16");
        assert!(message("response = \"square\"\n").contains("`auto`, `log`, `linear`"));
        let laplacian = "[laplacian]\ngains = [1.5, 1.2, 1.0]\npowers = [0.9, 1.0]\n";
        assert_eq!(message(laplacian), "laplacian.powers must have 3 values, one per gain, got 2");
        assert_eq!(message("[laplacian]\ngains = []\n"), "laplacian.gains must be a list of 1 to 12 numbers, got 0");
        assert_eq!(message("[tone]\ngamma = 1\nexponential = 1\n"), "give tone.gamma or tone.exponential, not both");
        assert!(message("[tone]\nrank = [0.9, 0.1]\n").starts_with("tone.rank must be two shares"));
        assert_eq!(message("description = 3\n"), "description must be a string, got integer");
    }

    #[test]
    fn names_are_listed_when_one_is_unknown() {
        let text = Preset::find("skull").unwrap_err().to_string();
        assert!(
            text.starts_with("preset must be one of chest, extremity,") && text.ends_with("got \"skull\""),
            "{text}"
        );
    }

    #[test]
    #[cfg(feature = "io")]
    fn a_file_that_is_not_there_cannot_be_read() {
        assert!(matches!(Preset::find("none.toml"), Err(PresetError::Read { .. })));
        assert!(matches!(Preset::find("./skull"), Err(PresetError::Read { .. })));
    }
}
