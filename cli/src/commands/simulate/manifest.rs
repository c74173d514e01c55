//! The list of cases of a batch.

use std::{
    collections::HashSet,
    ffi::OsString,
    path::{Component, Path},
};

use sha2::{Digest as _, Sha256};

use super::subject::Subject;
use crate::failure::Failure;

/// Columns that are no field of the protocol.
const CASE: &str = "case";
const CT: &str = "ct";
const PROTOCOL: &str = "protocol";
const LICENCE: &str = "licence";

/// A case of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Name, which is that of its folder.
    pub(super) name: String,
    pub(super) subject: Subject,
    /// Protocol in place of the batch's.
    pub(super) protocol: Option<String>,
    /// Licence of the CT, for the dataset card.
    pub(super) licence: Option<String>,
    /// Fields of the protocol and their values.
    pub(super) fields: Vec<(String, String)>,
}

/// A line of a manifest: a case, or its name and what is wrong with it.
pub(super) type Line = Result<Entry, (String, String)>;

/// Reads a manifest, CSV with a heading: `case` and `ct`, and if need be `protocol`, `licence` and fields of the protocol
/// such as `beam.kvp`. CTs are named relative to the manifest and lie in its folder; `phantom:NAME` is none.
pub(super) fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    let refused = |message: String| Failure::input(message).in_file(path);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_path(path)
        .map_err(|error| refused(error.to_string()))?;
    let heading = reader.headers().map_err(|error| refused(error.to_string()))?.clone();
    for needed in [CASE, CT] {
        if !heading.iter().any(|column| column == needed) {
            let got = heading.iter().collect::<Vec<_>>().join(", ");
            return Err(refused(format!("the heading must have the columns case and ct, got {got}")));
        }
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut names = HashSet::new();
    let mut lines = Vec::new();
    for (number, row) in reader.records().enumerate() {
        // The heading is line 1.
        let place = format!("line {}", number + 2);
        lines.push(match row {
            Err(error) => Err((place, error.to_string())),
            Ok(row) => {
                let fields =
                    heading.iter().zip(row.iter()).map(|(column, value)| (column.to_owned(), value.to_owned()));
                entry(folder, &place, fields.collect(), &mut names)
            }
        });
    }
    match lines.is_empty() {
        true => Err(refused("has no case".to_owned())),
        false => Ok(lines),
    }
}

fn entry(folder: &Path, place: &str, fields: Vec<(String, String)>, names: &mut HashSet<String>) -> Line {
    let subject = Subject::from(OsString::new());
    let mut entry = Entry { name: String::new(), subject, protocol: None, licence: None, fields: Vec::new() };
    for (column, value) in fields {
        match column.as_str() {
            CASE => entry.name = value,
            CT => entry.subject = OsString::from(value).into(),
            _ if value.is_empty() => {}
            PROTOCOL => entry.protocol = Some(value),
            LICENCE => entry.licence = Some(value),
            _ => entry.fields.push((column, value)),
        }
    }
    let name = if entry.name.is_empty() { place.to_owned() } else { entry.name.clone() };
    let refused = |why: String| Err((name.clone(), why));
    let is_plain = Path::new(&entry.name).components().eq([Component::Normal(entry.name.as_ref())]);
    if !is_plain || entry.name.starts_with('.') {
        return refused(format!("{place}: case must be a name without folders, got \"{}\"", entry.name));
    }
    if !names.insert(entry.name.clone()) {
        return refused(format!("{place}: there is another case of this name"));
    }
    if let Subject::File(ct) = &mut entry.subject {
        let is_inside = ct.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if ct.as_os_str().is_empty() || !is_inside {
            let got = ct.display();
            return refused(format!(
                "{place}: ct must be a file in the manifest's folder, or phantom:NAME, got \"{got}\""
            ));
        }
        *ct = folder.join(&*ct);
    }
    Ok(entry)
}

/// Seed of a case: it depends on the batch's seed and the case's name alone.
pub(super) fn seed(batch: u64, name: &str) -> u64 {
    let sum = Sha256::new().chain_update(batch.to_le_bytes()).chain_update(name).finalize();
    sum.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Vec<Line>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cases.csv");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn cases_have_names_files_and_fields() {
        let text = "case,ct,beam.kvp,licence\n# a remark\nfirst, a/b.nii.gz,110,CC BY 4.0\nsecond,c.nii,,\nthird,phantom:chest,,\n";
        let lines = lines(text).unwrap();
        let first = lines[0].as_ref().unwrap();
        assert_eq!((first.name.as_str(), first.fields.as_slice()), ("first", &[("beam.kvp".into(), "110".into())][..]));
        assert!(first.subject.file().unwrap().ends_with("a/b.nii.gz") && first.licence.as_deref() == Some("CC BY 4.0"));
        assert!(lines[1].as_ref().unwrap().fields.is_empty());
        assert_eq!(lines[2].as_ref().unwrap().subject, Subject::Phantom("chest".to_owned()));
    }

    #[test]
    fn a_bad_line_stops_no_other() {
        let text = "case,ct\na,x.nii\na,y.nii\n../b,x.nii\nc,../x.nii\nd,/x.nii\n,x.nii\ne,\nf,x.nii\n";
        let lines = lines(text).unwrap();
        let good: Vec<&str> = lines.iter().flatten().map(|entry| entry.name.as_str()).collect();
        assert_eq!(good, ["a", "f"]);
        let wrong: Vec<String> = lines.iter().filter_map(|line| line.as_ref().err()).map(|e| e.1.clone()).collect();
        assert!(wrong[0].contains("line 3: there is another case"), "{wrong:?}");
        assert!(wrong[1].contains("line 4: case must be a name"), "{wrong:?}");
        assert!(wrong[2..4].iter().all(|why| why.contains("ct must be a file in the manifest's folder")), "{wrong:?}");
    }

    #[test]
    fn a_manifest_without_its_columns_or_cases_is_refused() {
        assert!(lines("name,ct\na,b\n").is_err());
        assert!(lines("case,ct\n").is_err());
    }

    #[test]
    fn seeds_are_those_of_names() {
        assert_eq!(seed(1, "a"), seed(1, "a"));
        assert!(seed(1, "a") != seed(1, "b") && seed(1, "a") != seed(2, "a"));
    }
}
