//! `run.json`: all that a run was made of, so that it can be made again.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use kerma::{
    kernels,
    tasks::simulate::{PhantomSection, Protocol},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::{failure::Failure, summary::Summary};

/// Name of the file in a run's folder.
pub(super) const FILE: &str = "run.json";

/// A run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Record {
    /// Version of kerma.
    pub(super) version: String,
    /// What the case is called; its seed may come from it.
    pub(super) case: String,
    pub(super) seed: u64,
    /// Images that were kept.
    pub(super) keep: Vec<String>,
    pub(super) protocols: Vec<Variant>,
    pub(super) inputs: Vec<Hashed>,
    /// Of all shaders' names and texts.
    pub(super) shaders_sha256: String,
    pub(super) device: Machine,
    pub(super) outputs: Vec<Hashed>,
    pub(super) dates: Dates,
}

/// A protocol or a variant of one.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Variant {
    /// Empty where there is but one.
    pub(super) name: String,
    /// Every parameter, ranges drawn.
    pub(super) protocol: Protocol,
    /// What was measured.
    pub(super) results: Map<String, Value>,
}

/// A file and its contents.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Hashed {
    pub(super) file: PathBuf,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Where it was computed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Machine {
    device: String,
    adapter: String,
    driver: String,
    numerics: String,
}

/// When it was computed: the only part in which two runs of the same case differ.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Dates {
    pub(super) started: String,
    pub(super) finished: String,
}

impl Variant {
    /// Name of a file, which carries the variant's.
    pub(super) fn file(name: &str, stem: &str) -> String {
        if name.is_empty() { stem.to_owned() } else { format!("{stem}-{name}") }
    }
}

impl Machine {
    pub(super) fn of(summary: &Summary) -> Self {
        let Summary { device, adapter, driver, numerics, .. } = summary.clone();
        Self { device, adapter, driver, numerics }
    }
}

impl Record {
    /// Reads a record.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let refused = |error: &dyn std::fmt::Display| Failure::input(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
        serde_json::from_str(&text).map_err(|error| refused(&format!("is no {FILE} of kerma simulate: {error}")))
    }

    /// The CT; none where a phantom takes its place.
    pub(super) fn ct(&self) -> Option<&Hashed> {
        self.inputs.first().filter(|_| self.phantom().is_none())
    }

    fn phantom(&self) -> Option<&PhantomSection> {
        self.protocols.first().and_then(|variant| variant.protocol.patient.phantom.as_ref())
    }

    /// The hash of the CT, or the phantom.
    pub(super) fn subject(&self) -> String {
        match self.phantom() {
            Some(phantom) => phantom.to_string(),
            None => self.ct().map_or_else(String::new, |ct| ct.sha256.clone()),
        }
    }

    /// What the case is, in a line.
    pub(super) fn description(&self) -> &str {
        self.protocols.first().map_or("", |variant| &variant.protocol.description)
    }

    /// The text of the file.
    pub(super) fn text(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(Failure::input)
    }

    /// Refuses inputs that are no longer what they were.
    pub(super) fn check_inputs(&self) -> Result<(), Failure> {
        for input in &self.inputs {
            let now = Hashed::of(&input.file)?;
            if now != *input {
                return Err(Failure::input(format!(
                    "{}: has changed since the run: SHA-256 {} instead of {}",
                    input.file.display(),
                    now.sha256,
                    input.sha256
                )));
            }
        }
        Ok(())
    }
}

impl Hashed {
    /// Hash of a file, or of the files of a folder by their names.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let refused = |error: io::Error| Failure::input(format!("{}: cannot read: {error}", path.display()));
        let mut sum = Sha256::new();
        let mut bytes = 0;
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(refused)?;
            let mut files: Vec<PathBuf> =
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(refused)?;
            files.retain(|file| file.is_file());
            files.sort();
            for file in files {
                sum.update(file.file_name().unwrap_or_default().as_encoded_bytes());
                bytes += add(&mut sum, &file).map_err(refused)?;
            }
        } else {
            bytes += add(&mut sum, path).map_err(refused)?;
        }
        Ok(Self { file: path.to_owned(), bytes, sha256: hex(sum) })
    }
}

/// Adds a file's contents, and says how many bytes they are.
fn add(sum: &mut Sha256, path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut part = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut part)?;
        if count == 0 {
            return Ok(bytes);
        }
        sum.update(&part[..count]);
        bytes += count as u64;
    }
}

/// Hash of all shaders.
pub(super) fn shaders_sha256() -> String {
    let mut sum = Sha256::new();
    for shader in kernels::shaders() {
        sum.update(shader.name);
        sum.update(shader.source);
    }
    hex(sum)
}

fn hex(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
