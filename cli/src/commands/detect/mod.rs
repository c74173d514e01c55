mod marks;
mod page;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use kerma::{
    io::{write_bytes, write_volume},
    tasks::detect::candidates,
};
use kerma_nn::{
    beside,
    segment::{Segmenter, evaluation::CANDIDATE},
    shipped_segmenter,
};
use serde_json::json;

use self::marks::Judged;
use super::{
    infer::{probabilities, volume_for},
    metrics::nodules_of,
};
use crate::{context::Context, draft::Draft, failure::Failure, report::significant, summary::counted};

const EXAMPLES: &str = "\
Examples:
  kerma detect chest.nii.gz --out found
  kerma detect cases/chest-4001/truth.nii.gz --model models/nodules-ct.safetensors --threshold 0.2 \\
      --truth cases/chest-4001/nodules.csv --out found

Writes marks.csv, which kerma metrics froc reads, labels.nii.gz with the number of each mark in its voxels, and report.html.
Not for diagnosis.";

/// Files of the folder.
const MARKS: &str = "marks.csv";
const LABELS: &str = "labels.nii.gz";
const PAGE: &str = "report.html";

/// What kerma simulate leaves in every folder of a case.
const RECORD: &str = "run.json";

/// Arguments of `kerma detect`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DetectArgs {
    /// CT or reconstruction, as the model knows them
    volume: PathBuf,
    /// Trained network, of a recipe with the task segment [default: one for CTs that is built in]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Least probability of a candidate, which is that of its most probable voxel [default: that of the model's card, else 0.5]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Nodules that are there, in CSV, to be counted against
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Name of the scan in marks and truth [default: that of the case's folder, or of the file]
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
}

/// Runs `kerma detect`.
pub(crate) fn run(args: &DetectArgs, context: &mut Context) -> Result<(), Failure> {
    if let Some(got) = args.threshold.filter(|threshold| !(0.0..1.0).contains(threshold)) {
        return Err(Failure::input(format!("--threshold must be 0 or more and below 1, got {got}")));
    }
    let sources = [Some(&args.volume), args.model.as_ref(), args.truth.as_ref()];
    keep(sources.into_iter().flatten(), &args.out)?;
    let draft = Draft::new(&args.out, is_ours)?;
    let device = beside(context.device()?)?;
    let segmenter = context.read(|| match &args.model {
        Some(path) => Segmenter::load(path, &device),
        None => shipped_segmenter(&device),
    })?;
    let volume = volume_for(&segmenter, &args.volume, context)?;
    let case = args.case.clone().unwrap_or_else(|| case_of(&args.volume));
    let nodules = args.truth.as_ref().map(|path| context.read(|| nodules_of(path, &case))).transpose()?;

    let probability = probabilities(&segmenter, &volume, &args.volume, context)?;
    if args.model.is_none() {
        context.note("the built-in network learned from simulated chests alone");
    }
    let threshold = args.threshold.unwrap_or_else(|| segmenter.threshold());
    let found = context.compute(|| candidates(&probability, threshold.min(CANDIDATE)))?.above(threshold);
    let judged = nodules.map(|nodules| Judged::new(nodules, &found.marks)).transpose()?;

    let text = marks::table(&case, &found.marks)?;
    draft.put(context, MARKS, |path| write_bytes(path, text.as_bytes()))?;
    draft.put(context, LABELS, |path| write_volume(path, &found.labels))?;
    let card = segmenter.model().card();
    context.measure("case", &case);
    context.measure("threshold", threshold);
    context.measure("candidates", found.marks.iter().map(marks::object).collect::<Vec<_>>());
    context.measure("model", json!({ "name": card.recipe.name, "sha256": card.sha256 }));
    context.measure("truth", judged.as_ref().map(Judged::object));
    let run = page::Run {
        case: &case,
        volume: &volume,
        found: &found,
        threshold,
        judged: judged.as_ref(),
        card,
        summary: context.summary().for_page(context.device()?.self_test().summary()),
    };
    let html = page::report(&run).to_html();
    draft.put(context, PAGE, |path| write_bytes(path, html.as_bytes()))?;
    draft.publish()?;
    let marked = counted(found.marks.len(), "candidate");
    let truth = judged.map_or_else(String::new, |judged| format!(", {judged}"));
    let above = significant(threshold, 3);
    context.finish(&format!("{}: {marked} above {above}{truth}", args.out.display()))
}

/// Whether a folder holds what this command has written and nothing else.
fn is_ours(folder: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(folder) else { return false };
    let is_known = |entry: std::io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| [MARKS, LABELS, PAGE].iter().any(|name| entry.file_name() == **name))
    };
    entries.all(is_known)
}

/// Refuses a folder in which an input lies: it would be replaced.
fn keep<'a>(sources: impl Iterator<Item = &'a PathBuf>, out: &Path) -> Result<(), Failure> {
    let Ok(target) = fs::canonicalize(out) else { return Ok(()) };
    for source in sources {
        if fs::canonicalize(source).is_ok_and(|source| source.starts_with(&target)) {
            let (out, source) = (out.display(), source.display());
            return Err(Failure::input(format!("{out}: holds the input {source}; name another folder")));
        }
    }
    Ok(())
}

/// The folder of a case of kerma simulate, or a file without its ending.
fn case_of(volume: &Path) -> String {
    let text = |name: Option<&std::ffi::OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
    let folder = fs::canonicalize(volume).ok().and_then(|path| path.parent().map(Path::to_owned));
    match folder.filter(|folder| folder.join(RECORD).is_file()) {
        Some(folder) => text(folder.file_name()),
        None => {
            let name = text(volume.file_name());
            let stem = name.strip_suffix(".gz").unwrap_or(&name);
            text(Path::new(stem).file_stem())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_have_the_name_of_their_case_or_of_their_file() {
        let room = tempfile::tempdir().unwrap();
        let case = room.path().join("chest-7");
        fs::create_dir(&case).unwrap();
        for folder in [room.path(), &case] {
            fs::write(folder.join("truth.nii.gz"), "").unwrap();
        }
        fs::write(case.join(RECORD), "{}").unwrap();
        assert_eq!(case_of(&case.join("truth.nii.gz")), "chest-7");
        assert_eq!(case_of(&room.path().join("truth.nii.gz")), "truth");
        assert_eq!(case_of(Path::new("nowhere/a.b.mha")), "a.b");
        assert!(!is_ours(&case) && !is_ours(&room.path().join("none")));
    }
}
