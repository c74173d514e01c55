mod findings;
mod froc;
mod measures;
mod table;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use kerma::{
    data::{Image, Sample},
    io::read_image,
    metrics::{Insert, MetricError, Region},
};
use serde_json::json;

#[cfg(feature = "nn")]
pub(super) use self::findings::{nodules, nodules_of};
use self::table::Table;
use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  kerma metrics clean.png denoised.png
  kerma metrics clean.tif denoised.tif --range 4095 --json
  kerma metrics noisy.dcm denoised.dcm --nps 100,80,256,256 --mtf 700,420,90,120
  kerma metrics noisy.png denoised.png --insert 210,180,24 --insert 300,180,12
  kerma metrics froc truth.csv marks.csv

Measures of one image are given for both. What each number means: docs/methods/metrics.md.";

/// Bits of the range that most files with more than 8 bits state, whatever their values need.
const WIDEST_BITS: u8 = 16;
/// Memory per pixel of the most demanding metric and of both images, in values of 4 bytes.
const VALUES_PER_PIXEL: usize = 6;

/// Arguments of `kerma metrics`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct MetricsArgs {
    #[command(subcommand)]
    findings: Option<Findings>,
    /// Image that is taken for the truth
    #[arg(required = true)]
    reference: Option<PathBuf>,
    /// Image that is judged; of the same size
    #[arg(required = true)]
    image: Option<PathBuf>,
    /// Range of possible values, 255 for 8 bits [default: that of the reference's bits]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    range: Option<f64>,
    /// Noise power spectrum of a region without structure, in pixels
    #[arg(long, value_name = "X,Y,W,H")]
    nps: Option<Region>,
    /// Modulation transfer across the slightly slanted edge in a region, in pixels
    #[arg(long, value_name = "X,Y,W,H")]
    mtf: Option<Region>,
    /// Contrast-to-noise ratio of a disc, by its centre and diameter in pixels; may be repeated
    #[arg(long, value_name = "X,Y,D", value_parser = insert)]
    insert: Vec<Insert>,
}

/// What is measured of findings instead of images.
#[derive(Debug, Subcommand)]
enum Findings {
    /// Count how many nodules a detector finds at how many false marks per scan, as LUNA16 does
    Froc(froc::FrocArgs),
}

fn insert(text: &str) -> Result<Insert, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[x, y, diameter]) => Ok(Insert { centre: [x, y], diameter }),
        _ => Err(format!("insert must read X,Y,DIAMETER in pixels, got \"{text}\"")),
    }
}

/// Runs `kerma metrics`. Metrics are computed on the host, whatever the device.
pub(crate) fn run(args: &MetricsArgs, context: &mut Context) -> Result<(), Failure> {
    let (reference_path, image_path) = match (&args.findings, &args.reference, &args.image) {
        (Some(Findings::Froc(args)), ..) => return froc::run(args, context),
        (None, Some(reference), Some(image)) => (reference, image),
        _ => return Err(Failure::input("metrics needs a reference and an image")),
    };
    let (reference, reference_info) = context.read(|| read_image(reference_path))?;
    let (image, info) = context.read(|| read_image(image_path))?;
    if reference_info.inverted != info.inverted {
        context.note("one image has its smallest value brightest and the other has not: stored values are compared");
    }
    context.hold("the metrics", VALUES_PER_PIXEL * image.values().len())?;
    let (range, source) = match args.range {
        Some(range) if range.is_finite() && range > 0.0 => (range, "given".to_owned()),
        Some(range) => return Err(Failure::input(format!("--range must be positive and finite, got {range}"))),
        None => range_of(&reference).ok_or_else(|| {
            Failure::input("holds floating-point numbers, whose range nothing tells; say it with --range")
                .in_file(reference_path)
        })?,
    };
    let mut table = Table::default();
    context
        .compute(|| measures::of_pair(&mut table, [&reference, &image], range))
        .map_err(|f| f.in_file(image_path))?;
    for (column, (path, image)) in [(reference_path, &reference), (image_path, &image)].into_iter().enumerate() {
        context.compute(|| measures::of_one(&mut table, column, image, range, args)).map_err(|f| f.in_file(path))?;
    }
    let beyond = image.values().iter().copied().fold(0.0, f32::max);
    if f64::from(beyond) > range {
        context.note(&format!("{}: values up to {beyond} are beyond the range of {range}", image_path.display()));
    }
    context.measure("range", json!({ "value": range, "source": source }));
    table.measure(context);
    let [columns, rows] = image.size();
    let [of, against] = [image_path, reference_path].map(|path| Path::display(path));
    context.answer(format!("{of} against {against}: {columns}x{rows}, range {range} ({source})\n{table}"))
}

/// The range of an image's bits, and where they come from; nothing for floating-point numbers.
///
/// Files of 16 bits often hold fewer: as when enhancing, such an image has the bits of its largest value.
fn range_of(reference: &Image) -> Option<(f64, String)> {
    let Sample::Unsigned { bits } = reference.sample() else { return None };
    let largest = reference.values().iter().copied().fold(0.0, f32::max) as u32;
    let used = (u32::BITS - largest.leading_zeros()).max(1) as u8;
    let range = |bits: u8| f64::from((1_u32 << bits) - 1);
    Some(match bits {
        WIDEST_BITS if used < bits => (range(used), format!("{used} of {bits} bits hold the reference's values")),
        bits => (range(bits), format!("{bits} bits")),
    })
}

impl From<MetricError> for Failure {
    fn from(error: MetricError) -> Self {
        Self::input(error)
    }
}
