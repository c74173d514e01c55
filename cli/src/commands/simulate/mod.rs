mod batch;
#[cfg(feature = "nn")]
mod clean;
mod dicom;
mod dose;
mod files;
mod images;
mod kept;
mod manifest;
mod nodules;
mod one;
mod page;
mod record;
mod subject;

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use kerma::tasks::simulate::{Protocol, ProtocolText};

#[cfg(feature = "nn")]
pub(super) use self::clean::clean_views;
pub(super) use self::{
    images::Simulated,
    page::{signals, spectrum},
};
use self::{
    kept::Kept,
    one::Request,
    record::{Hashed, Record, Variant},
    subject::Subject,
};
use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  kerma simulate chest.nii.gz --protocol chest-radiograph --out film
  kerma simulate phantom:chest:3 --protocol chest-ct --out turn
  kerma simulate ct-folder --protocol chest-tomosynthesis --scatter none --set beam.mas=0.2 --out sweep
  kerma simulate --show-protocol chest-radiograph > mine.toml
  kerma simulate chest.nii.gz --protocol mine.toml --keep raw,integrals,primary,scatter,thickness --out film
  kerma simulate chest.nii.gz --protocol chest-radiograph --keep raw,dicom --out film
  kerma simulate --again film/run.json --out film-again
  kerma simulate --manifest cases.csv --protocol chest-radiograph --jobs 2 --out data

A manifest is CSV with the columns case and ct, and if need be protocol, licence and fields of the protocol (beam.kvp).
phantom:NAME in place of a CT is a phantom of kerma phantom; patient.phantom has its seed and the side of its voxels.
Any number of a protocol may be a range, { from = 110, to = 125 }, drawn by the seed and the field's name.
Physics, effects and their order: docs/methods/simulation.md.";

/// Arguments of `kerma simulate`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimulateArgs {
    /// CT volume in Hounsfield units, folder of DICOM slices, or built-in phantom, phantom:NAME[:SEED]
    #[arg(value_name = "CT", conflicts_with_all = ["manifest", "again", "show_protocol"])]
    subject: Option<Subject>,
    /// Built-in protocol, or a file in TOML
    #[arg(long, value_name = "NAME|FILE")]
    protocol: Option<String>,
    /// Folder to write: images, reconstruction, pictures, report.html and run.json
    #[arg(long, value_name = "DIR", required_unless_present = "show_protocol")]
    out: Option<PathBuf>,
    /// Scattered radiation: none, fast, or mc:PHOTONS for each view
    #[arg(long, value_name = "MODEL")]
    scatter: Option<String>,
    /// Label map beside the CT: what --materials says of a label comes before the CT number
    #[arg(long, value_name = "FILE", requires = "materials")]
    labels: Option<PathBuf>,
    /// Materials of labels, in TOML; without --labels, the volume is itself a label map
    #[arg(long, value_name = "FILE")]
    materials: Option<PathBuf>,
    /// Seed of noise and of what is drawn from ranges; of a batch's cases, with their names
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Field of the protocol to set: beam.kvp=110, grid.enabled=false; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// What to keep: raw, integrals, primary, scatter, thickness, inserts; truth, which a reconstruction should find; dicom, the
    /// middle view and the reconstruction as DICOM files
    #[arg(long, value_name = "PARTS", value_delimiter = ',', value_parser = kept(), default_value = "raw,integrals")]
    keep: Vec<Kept>,
    /// List of cases in CSV
    #[arg(long, value_name = "FILE", conflicts_with = "again")]
    manifest: Option<PathBuf>,
    /// Cases of a manifest to work on at the same time
    #[arg(long, default_value_t = 1, requires = "manifest")]
    jobs: usize,
    /// Say what disk, memory and time it would take
    #[arg(long)]
    dry_run: bool,
    /// Make a run again to the bit
    #[arg(long, value_name = "FILE", conflicts_with_all = ["protocol", "scatter", "set", "materials", "keep"])]
    again: Option<PathBuf>,
    /// Print a built-in protocol, to start one's own from
    #[arg(long, value_name = "NAME", conflicts_with = "again")]
    show_protocol: Option<String>,
}

fn kept() -> impl TypedValueParser<Value = Kept> {
    PossibleValuesParser::new(Kept::all().map(Kept::name)).map(|given| Kept::of(&given).unwrap_or(Kept::Truth))
}

impl SimulateArgs {
    /// The protocol, told of its phantom, with what the command line sets.
    fn protocol_text(&self, name: Option<&str>, subject: Option<&Subject>) -> Result<ProtocolText, Failure> {
        let Some(name) = name else {
            let names = Protocol::NAMES.join(", ");
            return Err(Failure::input(format!("simulate needs --protocol: one of {names}, or a .toml file")));
        };
        let mut text = ProtocolText::find(name)?;
        subject.map_or(Ok(()), |subject| subject.tell(&mut text))?;
        for field in &self.set {
            let (path, value) = field
                .split_once('=')
                .ok_or_else(|| Failure::input(format!("--set must read FIELD=VALUE, got \"{field}\"")))?;
            text.set(path.trim(), value.trim())?;
        }
        for (field, path) in [("patient.labels.materials", &self.materials), ("patient.labels.map", &self.labels)] {
            if let Some(path) = path {
                text.set_text(field, &path.to_string_lossy())?;
            }
        }
        match self.scatter.as_deref() {
            None => {}
            Some("none") => text.set("scatter.enabled", "false")?,
            Some("fast") => {
                text.set("scatter.enabled", "true")?;
                text.set("scatter.model", "fast")?;
            }
            Some(other) => {
                let photons = other.strip_prefix("mc:").and_then(|count| count.parse::<f64>().ok());
                let Some(photons) = photons.filter(|count| (1.0..=1e13).contains(count)) else {
                    let wrong =
                        format!("--scatter must be none, fast or mc:PHOTONS with 1 to 1e13 photons, got \"{other}\"");
                    return Err(Failure::input(wrong));
                };
                text.set("scatter.enabled", "true")?;
                text.set("scatter.model", "monte-carlo")?;
                text.set("scatter.photons", &format!("{photons:.0}"))?;
            }
        }
        Ok(text)
    }
}

/// Runs `kerma simulate`.
pub(crate) fn run(args: &SimulateArgs, context: &mut Context) -> Result<(), Failure> {
    if let Some(name) = &args.show_protocol {
        return context.answer(Protocol::text(name)?);
    }
    let Some(out) = &args.out else { return Err(Failure::input("simulate needs --out")) };
    if let Some(manifest) = &args.manifest {
        return batch::run(args, manifest, out, context);
    }
    let (request, former) = match &args.again {
        Some(file) => {
            let record = Record::read(file)?;
            record.check_inputs()?;
            if record.version != env!("CARGO_PKG_VERSION") || record.shaders_sha256 != record::shaders_sha256() {
                context.note(&format!(
                    "{} was made by kerma {} with {} shaders; bits may differ",
                    file.display(),
                    record.version,
                    if record.shaders_sha256 == record::shaders_sha256() { "the same" } else { "other" }
                ));
            }
            (Request::again(&record)?, Some(record))
        }
        None => {
            let text = args.protocol_text(args.protocol.as_deref(), args.subject.as_ref())?;
            let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let ct = args.subject.as_ref().and_then(Subject::file);
            (Request::new(ct, name, args.seed, &text, args.keep.clone())?, None)
        }
    };
    if args.dry_run {
        let said = one::forecast(&request, context)?.say(context);
        return context.answer(format!("{}: {said}\n", out.display()));
    }
    let record = one::make(&request, out, context)?;
    for Variant { name, results, .. } in &record.protocols {
        for (key, value) in results {
            let key = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            context.measure(&key, value);
        }
    }
    let same = former.as_ref().map(|former| differing(&former.outputs, &record.outputs));
    if let Some(differing) = &same {
        context.measure("differing", differing);
    }
    let verdict = match &same {
        None => String::new(),
        Some(files) if files.is_empty() => ", the same bits".to_owned(),
        Some(files) => format!(", other bits in {}", files.join(", ")),
    };
    context.finish(&format!("{}: {}{verdict}", out.display(), record.description()))?;
    match same.filter(|files| !files.is_empty()) {
        Some(files) => Err(Failure::Check(format!("{} differ from the run that was repeated", files.join(", ")))),
        None => Ok(()),
    }
}

/// Files of images whose contents differ. Pictures and the page are made from the images.
fn differing(former: &[Hashed], now: &[Hashed]) -> Vec<String> {
    let name = |output: &Hashed| output.file.display().to_string();
    former.iter().filter(|output| !now.contains(output)).map(name).collect()
}
