//! Nodules and marks as LUNA16's files have them.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use csv::{ReaderBuilder, StringRecord, Trim};
use glam::DVec3;
use kerma::metrics::froc::{Mark, Nodule, Scan};
#[cfg(feature = "nn")]
use kerma::metrics::volumes::Sphere;

use crate::{context::Context, failure::Failure};

const SCAN: &str = "seriesuid";
const PLACE: [&str; 3] = ["coordX", "coordY", "coordZ"];
const DIAMETER: &str = "diameter_mm";
const SCORE: &str = "probability";
/// Signs of LPS along the axes of kerma's frame.
#[cfg(feature = "nn")]
const LPS: DVec3 = DVec3::new(-1.0, -1.0, 1.0);
/// Diameter, in millimetres, that LUNA16 gives an excluded finding whose own is negative: unknown.
const UNKNOWN_DIAMETER_MM: f64 = 10.0;

/// The truth of all scans.
pub(super) struct Truth {
    path: PathBuf,
    /// Place of each scan in the list.
    places: HashMap<String, usize>,
    /// Names of the scans.
    pub(super) names: Vec<String>,
    /// Their nodules, without marks.
    scans: Vec<Scan>,
    /// Whether the list of scans was given, and more than it has is a mistake.
    is_closed: bool,
}

impl Truth {
    /// Reads nodules, those that do not count, and the list of scans, without which the scans of both are all.
    pub(super) fn read(
        path: &Path,
        excluded: Option<&Path>,
        list: Option<&Path>,
        context: &mut Context,
    ) -> Result<Self, Failure> {
        let (path, is_closed) = (path.to_owned(), list.is_some());
        let mut truth = Self { path, places: HashMap::new(), names: Vec::new(), scans: Vec::new(), is_closed };
        if let Some(list) = list {
            let text = context.read(|| fs::read_to_string(list).map_err(|e| Failure::input(e).in_file(list)))?;
            for (line, name) in (1..).zip(text.lines()).map(|(line, name)| (line, name.trim())) {
                if truth.places.contains_key(name) {
                    return Err(Failure::input(format!("line {line}: scan {name} is there twice")).in_file(list));
                }
                if !name.is_empty() && name != SCAN {
                    truth.append(name);
                }
            }
        }
        let own = truth.path.clone();
        for (path, is_excluded) in [(Some(own.as_path()), false), (excluded, true)] {
            let Some(path) = path else { continue };
            for row in context.read(|| rows(path, DIAMETER, None))? {
                truth.add(row, is_excluded).map_err(|failure| failure.in_file(path))?;
            }
        }
        Ok(truth)
    }

    fn append(&mut self, name: &str) -> usize {
        self.places.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        self.scans.push(Scan::default());
        self.names.len() - 1
    }

    fn add(&mut self, Row { line, scan, centre_mm, value, .. }: Row, is_excluded: bool) -> Result<(), Failure> {
        let place = match self.places.get(&scan) {
            Some(&place) => place,
            None if self.is_closed => {
                return Err(Failure::input(format!("line {line}: scan {scan} is not in the list that --scans names")));
            }
            None => self.append(&scan),
        };
        let diameter_mm = if is_excluded && value < 0.0 { UNKNOWN_DIAMETER_MM } else { value };
        if diameter_mm <= 0.0 {
            return Err(Failure::input(format!("line {line}: {DIAMETER} must be positive, got {value}")));
        }
        self.scans[place].nodules.push(Nodule { centre_mm, diameter_mm, is_excluded });
        Ok(())
    }

    /// The scans with the marks of a detector.
    pub(super) fn with_marks(&self, path: &Path, context: &mut Context) -> Result<Vec<Scan>, Failure> {
        let mut scans = self.scans.clone();
        for Row { line, scan, centre_mm, value, extra } in context.read(|| rows(path, SCORE, Some(DIAMETER)))? {
            let Some(&place) = self.places.get(&scan) else {
                let hint = if self.is_closed { "" } else { "; name scans without nodules by --scans" };
                let truth =
                    if self.is_closed { "the list of --scans".to_owned() } else { self.path.display().to_string() };
                return Err(Failure::input(format!("line {line}: scan {scan} is not in {truth}{hint}")).in_file(path));
            };
            if extra.is_some_and(|mm| mm <= 0.0) {
                return Err(Failure::input(format!("line {line}: {DIAMETER} must be positive or empty")).in_file(path));
            }
            scans[place].marks.push(Mark { position_mm: centre_mm, score: value, diameter_mm: extra });
        }
        Ok(scans)
    }
}

/// Nodules of a file for one scan, in kerma's frame.
#[cfg(feature = "nn")]
pub(in crate::commands) fn nodules(path: &Path) -> Result<Vec<Sphere>, Failure> {
    let nodule = |row: Row| Sphere { centre_mm: row.centre_mm * LPS, diameter_mm: row.value };
    Ok(rows(path, DIAMETER, None)?.into_iter().map(nodule).collect())
}

/// Nodules of one scan of a file, in kerma's frame: none where the file has no row at all.
#[cfg(feature = "nn")]
pub(in crate::commands) fn nodules_of(path: &Path, scan: &str) -> Result<Vec<Nodule>, Failure> {
    let all = rows(path, DIAMETER, None)?;
    let own: Vec<&Row> = all.iter().filter(|row| row.scan == scan).collect();
    if let (Some(first), true) = (all.first(), own.is_empty()) {
        let refusal = format!("has no scan {scan}, but {}; name the scan by --case", first.scan);
        return Err(Failure::input(refusal).in_file(path));
    }
    let nodule = |row: &Row| match row.value > 0.0 {
        true => Ok(Nodule { centre_mm: row.centre_mm * LPS, diameter_mm: row.value, is_excluded: false }),
        false => {
            let Row { line, value, .. } = row;
            Err(Failure::input(format!("line {line}: {DIAMETER} must be positive, got {value}")).in_file(path))
        }
    };
    own.into_iter().map(nodule).collect()
}

/// A line of a file of findings. Positions stay in the files' LPS frame: only distances count, and those are the same in kerma's.
struct Row {
    line: u64,
    scan: String,
    centre_mm: DVec3,
    value: f64,
    extra: Option<f64>,
}

/// Lines that begin so say something to people.
const COMMENT: u8 = b'#';

/// Reads a file with a scan, a place, a number in column `value` and, where there is such a column and a number, one in `extra`.
fn rows(path: &Path, value: &str, extra: Option<&str>) -> Result<Vec<Row>, Failure> {
    let refused = |error: csv::Error| Failure::input(error).in_file(path);
    let mut reader = ReaderBuilder::new().trim(Trim::All).comment(Some(COMMENT)).from_path(path).map_err(refused)?;
    let heading = reader.headers().map_err(refused)?.clone();
    let place = |name: &str| heading.iter().position(|column| column == name);
    let needed = |name: &str| {
        place(name).ok_or_else(|| {
            let got = heading.iter().collect::<Vec<_>>().join(", ");
            Failure::input(format!("the heading lacks the column {name}, it has {got}")).in_file(path)
        })
    };
    let (scan, value_at) = (needed(SCAN)?, needed(value)?);
    let [x, y, z] = [needed(PLACE[0])?, needed(PLACE[1])?, needed(PLACE[2])?];
    let extra = extra.and_then(place);
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(refused)?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |column: usize| number(&record, column, &heading, line).map_err(|f| f.in_file(path));
        all.push(Row {
            line,
            scan: record[scan].to_owned(),
            centre_mm: DVec3::new(number(x)?, number(y)?, number(z)?),
            value: number(value_at)?,
            extra: extra.filter(|&column| !record[column].is_empty()).map(number).transpose()?,
        });
    }
    Ok(all)
}

fn number(record: &StringRecord, column: usize, heading: &StringRecord, line: u64) -> Result<f64, Failure> {
    let (text, name) = (&record[column], &heading[column]);
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| Failure::input(format!("line {line}: {name} must be a finite number, got \"{text}\"")))
}
