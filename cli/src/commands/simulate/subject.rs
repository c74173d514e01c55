//! What a case is made from: a file, or a built-in phantom.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use kerma::tasks::simulate::ProtocolText;

use crate::failure::Failure;

/// What stands before the name of a phantom, where a file might stand.
const PHANTOM: &str = "phantom:";

/// A CT or a label map, or a phantom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    File(PathBuf),
    /// `NAME` or `NAME:SEED`.
    Phantom(String),
}

impl From<OsString> for Subject {
    fn from(text: OsString) -> Self {
        match text.to_str().and_then(|text| text.strip_prefix(PHANTOM)) {
            Some(phantom) => Self::Phantom(phantom.to_owned()),
            None => Self::File(text.into()),
        }
    }
}

impl Subject {
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Phantom(_) => None,
        }
    }

    /// Tells a protocol of its phantom, if it is one.
    pub(super) fn tell(&self, protocol: &mut ProtocolText) -> Result<(), Failure> {
        let Self::Phantom(text) = self else { return Ok(()) };
        let (name, seed) = match text.split_once(':') {
            Some((name, seed)) => (name, Some(seed)),
            None => (text.as_str(), None),
        };
        protocol.set_text("patient.phantom.name", name)?;
        let Some(seed) = seed else { return Ok(()) };
        // Whole numbers of TOML have a sign.
        if !seed.parse::<i64>().is_ok_and(|seed| seed >= 0) {
            let wrong = format!("{PHANTOM}{text}: the seed must be a whole number, 0 or more, got \"{seed}\"");
            return Err(Failure::input(wrong));
        }
        Ok(protocol.set("patient.phantom.seed", seed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phantoms_are_told_from_files() {
        let subject = |text: &str| Subject::from(OsString::from(text));
        assert_eq!(subject("./phantom:chest").file(), Some(Path::new("./phantom:chest")));
        assert_eq!(subject("phantom:chest").file(), None);
        let told = |text: &str| {
            let mut protocol = ProtocolText::find("chest-radiograph").unwrap();
            subject(text).tell(&mut protocol).map(|()| protocol.draw(1).unwrap().patient.phantom)
        };
        assert_eq!(told("ct.nii").unwrap(), None);
        let phantom = told("phantom:chest:7").unwrap().unwrap();
        assert_eq!((phantom.name.as_str(), phantom.seed), ("chest", 7));
        assert_eq!(told("phantom:spheres").unwrap().unwrap().seed, 0);
        assert!(told("phantom:chest:-1").unwrap_err().message().contains("a whole number, 0 or more, got \"-1\""));
    }
}
