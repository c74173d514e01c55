#[cfg(feature = "io")]
use std::path::Path;
use std::{ops::RangeInclusive, path::PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::{Table, Value};

use super::{
    draw,
    sections::{
        Beam, BoxSection, DoseSection, FocalSpot, GridSection, Patient, Reconstruction, Scatter, ScatterModel, Truth,
    },
};
#[cfg(feature = "io")]
use crate::tasks::built_in::as_file;
use crate::{
    data::Grid,
    geometry::{GeometryError, Scan},
    kernels::detector::{DetectorSettings, Images},
    physics::PhysicsError,
    tasks::built_in::built_in,
};

/// Largest protocol file that is read; built-in ones have about 4 KB.
#[cfg(feature = "io")]
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Relative difference of pitches that rounding in files may cause.
const PITCH_TOLERANCE: f64 = 1e-6;
/// Sides that voxels of scatter and dose, and pixels of scatter, may have, in millimetres.
const VOXELS_MM: RangeInclusive<f64> = 0.5..=100.0;
/// Most sources along a side of the focal spot.
const MOST_SOURCES: usize = 16;

/// What is simulated: the scan, the patient, the beam and every effect on the way to an image.
///
/// In TOML, a table for each effect. A table with `enabled = false` is as good as absent: the effect is off. Any number may
/// be a range, `{ from = 110, to = 125 }`, from which each case draws by its seed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// What it is for, in a line.
    #[serde(default)]
    pub description: String,
    /// Where source and detector stand.
    pub geometry: Scan,
    /// How the CT, or a phantom, becomes a body, and where it stands.
    #[serde(default)]
    pub patient: Patient,
    /// The X-ray beam; without it, line integrals at one energy are all there is.
    pub beam: Option<Beam>,
    /// Scattered radiation.
    pub scatter: Option<Scatter>,
    /// Dose of the body.
    pub dose: Option<DoseSection>,
    /// Anti-scatter grid.
    pub grid: Option<GridSection>,
    /// Size of the focal spot.
    pub focal_spot: Option<FocalSpot>,
    /// The detector; without it, every photon gives all its energy, without noise.
    pub detector: Option<DetectorSettings>,
    /// Volume to reconstruct.
    pub reconstruction: Option<Reconstruction>,
    /// The body's CT numbers, where they are not wanted on the grid of the reconstruction.
    pub truth: Option<Truth>,
}

/// A protocol that is not there or cannot be used: the caller's parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// No built-in protocol goes by this name.
    #[error("protocol must be one of {allowed}, or a .toml file, got \"{got}\"", allowed = Protocol::NAMES.join(", "))]
    Unknown {
        /// What was asked for.
        got: String,
    },
    /// The text is not TOML, or a field is missing, unknown or of the wrong type.
    #[error("{0}")]
    Toml(String),
    /// A value is outside what is allowed, or contradicts another.
    #[error("{field} must be {allowed}, got {got}")]
    Value {
        /// The field with its table, such as `beam.kvp`.
        field: String,
        /// What is allowed.
        allowed: String,
        /// What was given.
        got: String,
    },
    /// The scan is not usable.
    #[error("geometry: {0}")]
    Geometry(#[from] GeometryError),
    /// The detector is not usable.
    #[error("detector: {0}")]
    Physics(#[from] PhysicsError),
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
        reason: Box<ProtocolError>,
    },
}

impl ProtocolError {
    pub(super) fn value(field: &str, allowed: impl Into<String>, got: impl ToString) -> Self {
        Self::Value { field: field.to_owned(), allowed: allowed.into(), got: got.to_string() }
    }
}

impl Protocol {
    /// Voxels of what a reconstruction should find; none where nothing says which.
    #[must_use]
    pub fn truth_grid(&self) -> Option<Grid> {
        let own = self.truth.as_ref().map(|truth| truth.grid);
        own.or_else(|| self.reconstruction.as_ref().map(|reconstruction| reconstruction.grid))
    }

    /// What contradicts itself.
    fn check(&self) -> Result<(), ProtocolError> {
        if self.beam.is_none() {
            let effects = [
                ("scatter", self.scatter.is_some()),
                ("dose", self.dose.is_some()),
                ("grid", self.grid.is_some()),
                ("focal_spot", self.focal_spot.is_some()),
                ("detector", self.detector.is_some()),
                ("patient.nodules", self.patient.nodules.is_some()),
            ];
            if let Some((name, _)) = effects.iter().find(|(_, is_on)| *is_on) {
                return Err(ProtocolError::value(name, "absent or not enabled without a beam", "enabled"));
            }
        }
        if let Some(collimator) = self.beam.as_ref().and_then(|beam| beam.collimator.as_ref()) {
            collimator.check()?;
        }
        if let Some(FocalSpot { size_mm, samples }) = self.focal_spot {
            if size_mm.iter().any(|size| !(*size >= 0.0 && size.is_finite())) {
                return Err(ProtocolError::value("focal_spot.size_mm", "0 or more", format!("{size_mm:?}")));
            }
            if samples.iter().any(|count| !(1..=MOST_SOURCES).contains(count)) {
                let allowed = format!("1 to {MOST_SOURCES} sources along u and v");
                return Err(ProtocolError::value("focal_spot.samples", allowed, format!("{samples:?}")));
            }
        }
        if let Some(Scatter { model, photons, pixel_mm, voxel_mm }) = self.scatter {
            match (model, photons) {
                (ScatterModel::MonteCarlo, None | Some(0)) => {
                    let got = photons.map_or_else(|| "none".to_owned(), |count| count.to_string());
                    return Err(ProtocolError::value("scatter.photons", "1 or more for monte-carlo", got));
                }
                (ScatterModel::Fast, Some(photons)) => {
                    return Err(ProtocolError::value("scatter.photons", "absent for the fast model", photons));
                }
                _ => {}
            }
            for (field, side_mm) in [("scatter.pixel_mm", pixel_mm), ("scatter.voxel_mm", voxel_mm)] {
                if !VOXELS_MM.contains(&side_mm) {
                    return Err(ProtocolError::value(field, "0.5 to 100 mm", side_mm));
                }
            }
        }
        if let Some(dose) = &self.dose {
            dose.check()?;
        }
        if let Some(detector) = &self.detector {
            detector.check()?;
            if detector.images == Images::Native && detector.binning != 1 {
                return Err(ProtocolError::value(
                    "detector.images",
                    "binned, as the geometry's pixels are bins",
                    "native",
                ));
            }
            let bin_mm = detector.pitch_mm * f64::from(detector.binning);
            let pitch_mm = self.geometry.build()?.pitch_mm();
            if pitch_mm.iter().any(|pitch| (pitch - bin_mm).abs() > PITCH_TOLERANCE * bin_mm) {
                let allowed = format!("geometry.pitch_mm = {pitch_mm:?} over detector.binning = {}", detector.binning);
                return Err(ProtocolError::value("detector.pitch_mm", allowed, detector.pitch_mm));
            }
        }
        if let Some(slice_mm) = self.reconstruction.as_ref().and_then(|reconstruction| reconstruction.slice_mm) {
            let is_sweep = matches!(self.geometry, Scan::TomosynthesisLinear(_) | Scan::TomosynthesisArc(_));
            let wrong = |allowed| Err(ProtocolError::value("reconstruction.slice_mm", allowed, slice_mm));
            if !is_sweep {
                return wrong("absent but for tomosynthesis");
            }
            if !(slice_mm > 0.0 && slice_mm.is_finite()) {
                return wrong("above 0 mm");
            }
        }
        self.patient.check_phantom()?;
        if let Some(nodules) = &self.patient.nodules {
            nodules.check()?;
        }
        let Patient { effective_kev, slices, padding, position, .. } = &self.patient;
        let numbers = [
            ("patient.effective_kev", *effective_kev, 5.0..=150.0),
            ("patient.slices.spacing_mm", slices.map_or(1.0, |slices| slices.spacing_mm), 0.1..=100.0),
            ("patient.padding.inferior_mm", padding.map_or(0.0, |padding| padding.inferior_mm), 0.0..=2000.0),
            ("patient.padding.superior_mm", padding.map_or(0.0, |padding| padding.superior_mm), 0.0..=2000.0),
            ("patient.position.roll_deg", position.roll_deg, -360.0..=360.0),
            ("patient.position.pitch_deg", position.pitch_deg, -360.0..=360.0),
            ("patient.position.yaw_deg", position.yaw_deg, -360.0..=360.0),
        ];
        for (field, value, allowed) in numbers {
            if !allowed.contains(&value) {
                return Err(ProtocolError::value(field, format!("{} to {}", allowed.start(), allowed.end()), value));
            }
        }
        Ok(())
    }
}

impl DoseSection {
    fn check(&self) -> Result<(), ProtocolError> {
        let Self { photons, voxel_mm, boxes } = self;
        if *photons == 0 {
            return Err(ProtocolError::value("dose.photons", "1 or more", photons));
        }
        if !VOXELS_MM.contains(voxel_mm) {
            return Err(ProtocolError::value("dose.voxel_mm", "0.5 to 100 mm", voxel_mm));
        }
        for (at, BoxSection { name, from_mm, to_mm }) in boxes.iter().enumerate() {
            let field = |of: &str| format!("dose.boxes[{at}].{of}");
            if name.is_empty() || boxes[..at].iter().any(|before| before.name == *name) {
                let got = format!("\"{name}\"");
                return Err(ProtocolError::value(&field("name"), "a name that no other box has", got));
            }
            let is_box = from_mm.iter().zip(to_mm).all(|(from, to)| from < to && from.is_finite() && to.is_finite());
            if !is_box {
                let got = format!("{to_mm:?} for from_mm = {from_mm:?}");
                return Err(ProtocolError::value(&field("to_mm"), "above from_mm along every axis", got));
            }
        }
        Ok(())
    }
}

/// A protocol's text before numbers are drawn from its ranges.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtocolText(Table);

impl Protocol {
    built_in!(
        "protocol",
        "protocols",
        ProtocolError,
        "chest-radiograph",
        "chest-radiograph-lateral",
        "bedside-chest",
        "extremity",
        "chest-tomosynthesis",
        "chest-ct",
        "bone-suppression-pairs",
        "dose-series",
        "dual-energy",
        "low-dose-pairs"
    );
}

impl ProtocolText {
    /// A built-in protocol, or that of a file: whatever ends in `.toml` or has a folder in front is a file.
    ///
    /// # Errors
    /// [`ProtocolError`] when there is none, or the file cannot be used.
    pub fn find(name: &str) -> Result<Self, ProtocolError> {
        #[cfg(feature = "io")]
        if let Some(path) = as_file(name) {
            return Self::read(path);
        }
        Self::from_toml(Protocol::text(name)?)
    }

    /// Reads a protocol from its text; what its numbers are is checked when they are [drawn](Self::draw).
    ///
    /// # Errors
    /// [`ProtocolError::Toml`] with the line that is not TOML.
    pub fn from_toml(text: &str) -> Result<Self, ProtocolError> {
        text.parse().map(Self).map_err(|error: toml::de::Error| ProtocolError::Toml(error.message().to_owned()))
    }

    #[cfg(feature = "io")]
    fn read(path: &Path) -> Result<Self, ProtocolError> {
        let failed = |reason| ProtocolError::Read { path: path.to_owned(), reason };
        let text = crate::io::read_text(path, "protocol", MAX_FILE_BYTES).map_err(failed)?;
        Self::from_toml(&text)
            .map_err(|reason| ProtocolError::InFile { path: path.to_owned(), reason: Box::new(reason) })
    }

    /// Sets a value by its path: `beam.kvp` to `110`, in TOML; what is not TOML is a text.
    ///
    /// # Errors
    /// [`ProtocolError::Value`] where the path leads through something that is no table.
    pub fn set(&mut self, path: &str, value: &str) -> Result<(), ProtocolError> {
        let parsed: Result<Table, _> = format!("x = {value}").parse();
        let value = match parsed.ok().and_then(|mut table| table.remove("x")) {
            Some(value) => value,
            None => Value::String(value.to_owned()),
        };
        self.insert(path, value)
    }

    /// Sets a text by its path.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn set_text(&mut self, path: &str, text: &str) -> Result<(), ProtocolError> {
        self.insert(path, Value::String(text.to_owned()))
    }

    fn insert(&mut self, path: &str, value: Value) -> Result<(), ProtocolError> {
        let mut keys: Vec<&str> = path.split('.').collect();
        let last = keys.pop().unwrap_or_default();
        let mut table = &mut self.0;
        for key in keys {
            let inner = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
            let kind = inner.type_str();
            table = inner.as_table_mut().ok_or_else(|| ProtocolError::value(path, "a field of a table", kind))?;
        }
        table.insert(last.to_owned(), value);
        Ok(())
    }

    /// The protocol's variants by their names, in alphabetical order: each is the whole protocol with the fields of its table
    /// `variants.NAME` in place of others. One without a name where there are none.
    ///
    /// # Errors
    /// [`ProtocolError::Value`] when what is called `variants` holds something other than tables.
    pub fn variants(&self) -> Result<Vec<(String, Self)>, ProtocolError> {
        let mut common = self.0.clone();
        let wrong = |field: &str, got: &Value| ProtocolError::value(field, "a table", got.type_str());
        let variants = match common.remove("variants") {
            None => return Ok(vec![(String::new(), self.clone())]),
            Some(Value::Table(variants)) => variants,
            Some(other) => return Err(wrong("variants", &other)),
        };
        let of = |(name, value): (String, Value)| match value {
            Value::Table(fields) => {
                let mut table = common.clone();
                overlay(&mut table, fields);
                Ok((name, Self(table)))
            }
            other => Err(wrong(&format!("variants.{name}"), &other)),
        };
        variants.into_iter().map(of).collect()
    }

    /// The protocol of one case: ranges become numbers drawn by the seed and the field's path, effects that are not enabled are left
    /// out.
    ///
    /// # Errors
    /// [`ProtocolError`] for a field that is missing, unknown, of the wrong type, or contradicts another.
    pub fn draw(&self, seed: u64) -> Result<Protocol, ProtocolError> {
        let mut table = self.0.clone();
        draw::resolve(&mut table, seed)?;
        let protocol: Protocol = table
            .try_into()
            .map_err(|error: toml::de::Error| ProtocolError::Toml(error.to_string().trim().to_owned()))?;
        protocol.check()?;
        Ok(protocol)
    }
}

/// Puts fields over those of a table, tables within tables.
fn overlay(table: &mut Table, fields: Table) {
    for (key, value) in fields {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(fields)) => overlay(inner, fields),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_protocol_can_be_drawn_and_says_where_its_values_come_from() {
        for name in Protocol::NAMES {
            for (variant, text) in ProtocolText::find(name).unwrap().variants().unwrap() {
                let protocol = text.draw(1).unwrap_or_else(|error| panic!("{name} {variant}: {error}"));
                assert!(protocol.description.ends_with('.'), "{name}");
            }
            for line in Protocol::text(name).unwrap().lines().filter(|line| line.contains(" = ")) {
                assert!(line.starts_with("description") || line.contains("# "), "{name}: {line}");
            }
        }
    }

    #[test]
    fn variants_differ_in_what_they_say_alone() {
        let pairs = ProtocolText::find("bone-suppression-pairs").unwrap().variants().unwrap();
        let [(soft, without), (standard, with)] = &pairs[..] else { panic!("{} variants", pairs.len()) };
        assert_eq!((soft.as_str(), standard.as_str()), ("soft", "standard"));
        let (without, mut with) = (without.draw(1).unwrap(), with.draw(1).unwrap());
        assert_ne!(without, with);
        with.patient.bone = without.patient.bone;
        assert_eq!(without, with);
    }
}
