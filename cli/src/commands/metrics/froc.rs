use std::path::{Path, PathBuf};

use clap::Args;
use kerma::metrics::{
    MetricError,
    froc::{Bootstrap, Counts, Criterion, Detections, Estimate, Measure, RATES, Scan, Verdict},
};
use serde_json::{Value, json};

use super::findings::Truth;
use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  kerma metrics froc annotations.csv marks.csv --excluded annotations_excluded.csv --scans seriesuids.csv
  kerma metrics froc truth.csv network.csv --against blobs.csv --threshold 0.5 --json
  kerma metrics froc truth.csv marks.csv --depth 24

Files as LUNA16 has them: columns seriesuid, coordX, coordY, coordZ in mm, diameter_mm (truth) or probability (marks).
Rules and intervals: docs/methods/detection.md.";

/// Arguments of `kerma metrics froc`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FrocArgs {
    /// Nodules, in CSV
    truth: PathBuf,
    /// Marks of the detector, in CSV
    marks: PathBuf,
    /// Findings that count neither as nodules nor, when marked, as false, in CSV
    #[arg(long, value_name = "FILE")]
    excluded: Option<PathBuf>,
    /// Names of all scans, one a line, those without nodules too [default: those of the truth and the excluded findings]
    #[arg(long, value_name = "FILE")]
    scans: Option<PathBuf>,
    /// Marks of another detector on the same scans, for the difference of both
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Least score, for precision, sensitivity and size at one operating point
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Depth along y within which a mark hits, in mm, the radius counting in x and z alone [default: the ball]
    #[arg(long, value_name = "MM", allow_negative_numbers = true)]
    depth: Option<f64>,
    /// Most marks of a scan, the best; as in LUNA16, all that tie with the first left out go too
    #[arg(long, value_name = "N", default_value_t = 100)]
    most_marks: usize,
    /// Draws of scans for intervals
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().draws)]
    draws: usize,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed)]
    seed: u64,
}

/// Runs `kerma metrics froc`.
pub(super) fn run(args: &FrocArgs, context: &mut Context) -> Result<(), Failure> {
    let truth = Truth::read(&args.truth, args.excluded.as_deref(), args.scans.as_deref(), context)?;
    let of = detections(args, &truth, &args.marks, context)?;
    let mut text = curve(args, &of, context)?;
    let mut measures = vec![CPM];
    if let Some(threshold) = args.threshold {
        let point = at(threshold);
        text += &operating_point(args, &of, threshold, &point, context)?;
        // A size bias is not better for being larger.
        measures.extend(&point[..2]);
    }
    if let Some(path) = &args.against {
        let other = detections(args, &truth, path, context)?;
        text += &differences(args, [&of, &other], path, &measures, context)?;
    }
    context.answer(text)
}

/// A measure, its name for scripts and that for people.
type Named = (Measure, &'static str, &'static str);

const CPM: Named = (Measure::Cpm, "cpm", "CPM");

fn at(threshold: f64) -> [Named; 3] {
    [
        (Measure::Sensitivity { threshold }, "sensitivity", "sensitivity"),
        (Measure::Precision { threshold }, "precision", "precision"),
        (Measure::SizeBias { threshold }, "size_bias_mm", "size bias, mm"),
    ]
}

impl FrocArgs {
    fn bootstrap(&self) -> Bootstrap {
        Bootstrap { seed: self.seed, draws: self.draws }
    }
}

fn curve(args: &FrocArgs, of: &Detections, context: &mut Context) -> Result<String, Failure> {
    let froc = context.compute(|| of.froc(&args.bootstrap()))?;
    let Counts { scans, nodules, hits, false_marks } = of.counts(f64::NEG_INFINITY);
    let [marks, truth] = [&args.marks, &args.truth].map(|path| Path::display(path));
    let mut text =
        format!("{marks} against {truth}: {scans} scans, {hits} of {nodules} nodules hit, {false_marks} false marks\n");
    for (rate, sensitivity) in RATES.iter().zip(froc.sensitivities) {
        text += &row(&format!("sensitivity at {rate}"), sensitivity, "false marks per scan");
    }
    text += &row("CPM", froc.cpm, "mean of the seven");
    let counts = json!({ "scans": scans, "nodules": nodules, "hits": hits, "false_marks": false_marks });
    context.measure("counts", counts);
    context.measure("false_per_scan", RATES);
    context.measure("sensitivity", froc.sensitivities.map(object));
    context.measure("cpm", object(froc.cpm));
    Ok(text)
}

fn operating_point(
    args: &FrocArgs,
    of: &Detections,
    threshold: f64,
    point: &[Named],
    context: &mut Context,
) -> Result<String, Failure> {
    let mut numbers = json!({ "threshold": threshold });
    let mut text = String::new();
    for &(measure, key, label) in point {
        match context.compute(|| of.estimate(measure, &args.bootstrap())) {
            Err(MetricError::Undefined { reason, .. }) => {
                numbers[key] = Value::Null;
                text += &format!("  {label:20} not defined ({reason})\n");
            }
            estimate => {
                let estimate = estimate?;
                numbers[key] = object(estimate);
                text += &row(label, estimate, &format!("scores of {threshold} or more"));
            }
        }
    }
    context.measure("operating_point", numbers);
    Ok(text)
}

fn differences(
    args: &FrocArgs,
    [of, other]: [&Detections; 2],
    path: &Path,
    measures: &[Named],
    context: &mut Context,
) -> Result<String, Failure> {
    let (mut numbers, mut text) = (json!({}), String::new());
    for &(measure, key, label) in measures {
        let comparison = match context.compute(|| of.compare(other, [measure; 2], &args.bootstrap())) {
            Err(MetricError::Undefined { .. }) => continue,
            comparison => comparison?,
        };
        let verdict = match comparison.verdict {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Undecided => "undecided",
        };
        numbers[key] = object(comparison.difference);
        numbers[key]["verdict"] = json!(verdict);
        text +=
            &row(&format!("{label}, gain"), comparison.difference, &format!("{verdict}, against {}", path.display()));
    }
    context.measure("differences", numbers);
    Ok(text)
}

fn detections(args: &FrocArgs, truth: &Truth, marks: &Path, context: &mut Context) -> Result<Detections, Failure> {
    let criterion = args.depth.map_or(Criterion::Sphere, |depth_mm| Criterion::InPlane { depth_mm });
    let scans: Vec<Scan> =
        truth.with_marks(marks, context)?.into_iter().map(|scan| scan.with_most_marks(args.most_marks)).collect();
    context.compute(|| Detections::new(&scans, criterion)).map_err(|error| match error {
        MetricError::Setting { got, .. } => {
            Failure::input(format!("--depth must be positive and finite, got {got} mm"))
        }
        MetricError::Finding { scan, .. } => {
            Failure::input(format!("scan {}: {error}", truth.names[scan])).in_file(&args.truth)
        }
        error => Failure::from(error).in_file(&args.truth),
    })
}

fn row(label: &str, Estimate { value, interval }: Estimate, how: &str) -> String {
    let range = interval.map_or("one scan: no interval".to_owned(), |[low, high]| format!("{low:.4} to {high:.4}"));
    format!("  {label:20} {value:8.4}  {range:21}  {how}\n")
}

fn object(Estimate { value, interval }: Estimate) -> Value {
    json!({ "value": value, "interval": interval })
}
