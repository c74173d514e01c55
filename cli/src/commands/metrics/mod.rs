mod table;

use std::path::{Path, PathBuf};

use clap::Args;
use kerma::{
    data::{Image, Sample},
    io::read_image,
    metrics::{
        Form, Insert, MetricError, NpsOptions, Region, contrast_detail, cpbd, ms_ssim, mtf, nps, psnr, rmse, ssim,
    },
};
use serde_json::json;

use self::table::Table;
use crate::{context::Context, failure::Failure, interrupt};

const EXAMPLES: &str = "\
Examples:
  kerma metrics clean.png denoised.png
  kerma metrics clean.tif denoised.tif --range 4095 --json
  kerma metrics noisy.dcm denoised.dcm --nps 100,80,256,256 --mtf 700,420,90,120
  kerma metrics noisy.png denoised.png --insert 210,180,24 --insert 300,180,12

Measures of one image are given for both. What each number means: docs/methods/metrics.md.";

/// Bits of the range that most files with more than 8 bits state, whatever their values need.
const WIDEST_BITS: u8 = 16;
/// Sides of the squares of a noise power spectrum; the standard's is the largest.
const NPS_SIDES: [usize; 2] = [8, 256];
/// Memory per pixel of the most demanding metric and of both images, in values of 4 bytes.
const VALUES_PER_PIXEL: usize = 6;

/// Arguments of `kerma metrics`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MetricsArgs {
    /// Image that is taken for the truth
    reference: PathBuf,
    /// Image that is judged; of the same size
    image: PathBuf,
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

fn insert(text: &str) -> Result<Insert, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[x, y, diameter]) => Ok(Insert { centre: [x, y], diameter }),
        _ => Err(format!("insert must read X,Y,DIAMETER in pixels, got \"{text}\"")),
    }
}

/// Runs `kerma metrics`. Metrics are computed on the host, whatever the device.
pub(crate) fn run(args: &MetricsArgs, context: &mut Context) -> Result<(), Failure> {
    let (reference, reference_info) = context.read(|| read_image(&args.reference))?;
    let (image, info) = context.read(|| read_image(&args.image))?;
    if reference_info.inverted != info.inverted {
        context.note("one image has its smallest value brightest and the other has not: stored values are compared");
    }
    context.hold("the metrics", VALUES_PER_PIXEL * image.values().len())?;
    let (range, source) = match args.range {
        Some(range) if range.is_finite() && range > 0.0 => (range, "given".to_owned()),
        Some(range) => return Err(Failure::input(format!("--range must be positive and finite, got {range}"))),
        None => range_of(&reference).ok_or_else(|| {
            Failure::input("holds floating-point numbers, whose range nothing tells; say it with --range")
                .in_file(&args.reference)
        })?,
    };
    let mut table = Table::default();
    context.compute(|| measure_pair(&mut table, [&reference, &image], range)).map_err(|f| f.in_file(&args.image))?;
    for (column, (path, image)) in [(&args.reference, &reference), (&args.image, &image)].into_iter().enumerate() {
        context.compute(|| measure_one(&mut table, column, image, range, args)).map_err(|f| f.in_file(path))?;
    }
    let beyond = image.values().iter().copied().fold(0.0, f32::max);
    if f64::from(beyond) > range {
        context.note(&format!("{}: values up to {beyond} are beyond the range of {range}", args.image.display()));
    }
    context.measure("range", json!({ "value": range, "source": source }));
    table.measure(context);
    let [columns, rows] = image.size();
    let [of, against] = [&args.image, &args.reference].map(|path| Path::display(path));
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

fn measure_pair(table: &mut Table, [reference, image]: [&Image; 2], range: f64) -> Result<(), Failure> {
    let in_decibels = |db: &f64| if db.is_infinite() { "infinite".to_owned() } else { format!("{db:.3} dB") };
    let share = |value: &f64| format!("{value:.5}");
    table.pair("rmse", "RMSE", "root mean squared error, in stored values", &rmse(reference, image)?, |v| {
        format!("{v:.4}")
    });
    table.pair(
        "psnr_db",
        "PSNR",
        "20 log10(range / RMSE); infinite: no difference",
        &psnr(reference, image, range)?,
        in_decibels,
    );
    for (key, label, how, form) in [
        ("ssim", "SSIM", "Wang 2004: Gaussian 11x11, sigma 1.5, population covariance", Form::Wang),
        ("ssim_uniform", "SSIM uniform", "scikit-image's default: uniform 7x7, sample covariance", Form::ScikitImage),
    ] {
        interrupt::check()?;
        table.pair(key, label, how, &ssim(reference, image, range, form)?, share);
    }
    interrupt::check()?;
    let how = "five scales of Wang's SSIM, halved by 2x2 means; negative terms count 0";
    match ms_ssim(reference, image, range) {
        Err(MetricError::TooSmall { least, .. }) => {
            table.lacking("ms_ssim", "MS-SSIM", how, 1, &format!("needs sides > {} px", least - 1));
        }
        value => table.pair("ms_ssim", "MS-SSIM", how, &value?, share),
    }
    Ok(())
}

/// What one image tells by itself, into column 0 (reference) or 1 (image).
fn measure_one(table: &mut Table, column: usize, image: &Image, range: f64, args: &MetricsArgs) -> Result<(), Failure> {
    interrupt::check()?;
    let how = "share of sharp edges, Narvekar 2011; noise raises it";
    match cpbd(image, range) {
        Err(MetricError::TooSmall { least, .. }) => {
            table.lacking("cpbd", "CPBD", how, column, &format!("needs sides > {} px", least - 1));
        }
        Err(MetricError::Undefined { reason, .. }) => table.lacking("cpbd", "CPBD", how, column, &reason),
        value => table.put("cpbd", "CPBD", how, column, &value?, |v| format!("{v:.4}")),
    }
    if let Some(region) = args.nps {
        interrupt::check()?;
        let shorter = region.width.min(region.height).max(2);
        let side = (1 << (shorter / 2).ilog2()).clamp(NPS_SIDES[0], NPS_SIDES[1]);
        let found = nps(image, region, NpsOptions { side, ..NpsOptions::default() })?;
        let how = format!("standard deviation in {region} about its second-degree surface");
        table.put("noise", "noise", &how, column, &found.variance.sqrt(), |v| format!("{v:.4}"));
        let how = format!("mean frequency of the NPS, {} squares of {side} px (IEC 62220-1)", found.count);
        let mean = found.mean_frequency();
        match mean {
            Some(mean) => {
                table.put("noise_frequency", "noise freq.", &how, column, &mean, |v| format!("{v:.4} {}", found.unit));
            }
            None => table.lacking("noise_frequency", "noise freq.", &how, column, "no noise"),
        }
        table.attach("nps", column, json!({ "unit": found.unit.to_string(), "radial": found.radial }));
    }
    if let Some(region) = args.mtf {
        interrupt::check()?;
        let rows = [("mtf50", "MTF 50 %", 0), ("mtf10", "MTF 10 %", 1)];
        let how = |level: &str| format!("frequency of {level} modulation, slanted edge in {region} (ISO 12233)");
        match mtf(image, region) {
            Err(MetricError::Undefined { reason, .. }) => {
                rows.map(|(key, label, _)| table.lacking(key, label, &how(&label[4..]), column, &reason));
            }
            found => {
                let found = found?;
                for (key, label, index) in rows {
                    match [found.half, found.tenth][index] {
                        Some(f) => {
                            table.put(key, label, &how(&label[4..]), column, &f, |v| format!("{v:.4} {}", found.unit));
                        }
                        None => table.lacking(key, label, &how(&label[4..]), column, "never falls so far"),
                    }
                }
                let angle_deg = found.angle_rad.to_degrees();
                let curve = json!({ "unit": found.unit.to_string(), "angle_deg": angle_deg, "nyquist": found.nyquist, "curve": found.curve });
                table.attach("mtf", column, curve);
            }
        }
    }
    for (index, insert) in args.insert.iter().enumerate() {
        let [x, y] = insert.centre;
        let (key, label) = (format!("cnr{}", index + 1), format!("CNR {}", index + 1));
        let how = format!("disc of {} px at {x},{y} against the ring around it; Rose: x sqrt(area)", insert.diameter);
        match contrast_detail(image, &[*insert]) {
            Err(MetricError::Undefined { reason, .. }) => table.lacking(&key, &label, &how, column, &reason),
            found => {
                for found in found? {
                    let text = format!("{:.3} (Rose {:.1})", found.cnr, found.rose);
                    table.put(&key, &label, &how, column, &found.cnr, |_| text);
                }
            }
        }
    }
    Ok(())
}

impl From<MetricError> for Failure {
    fn from(error: MetricError) -> Self {
        Self::input(error)
    }
}
