//! Which metrics are taken, and what the table says about each.

use kerma::{
    data::Image,
    metrics::{
        Form, Insert, MetricError, NpsOptions, Region, contrast_detail, cpbd, ms_ssim, mtf, nps, psnr, rmse, ssim,
    },
};
use serde_json::json;

use super::{
    MetricsArgs,
    table::{Line, PAIR, Table},
};
use crate::{failure::Failure, interrupt};

/// Sides of the squares of a noise power spectrum; the standard's is the largest.
const NPS_SIDES: [usize; 2] = [8, 256];

const RMSE: Line<'_> = Line { key: "rmse", label: "RMSE", how: "root mean squared error, in stored values" };
const PSNR: Line<'_> = Line { key: "psnr_db", label: "PSNR", how: "20 log10(range / RMSE); infinite: no difference" };
const SSIM: [(Line<'_>, Form); 2] = [
    (
        Line { key: "ssim", label: "SSIM", how: "Wang 2004: Gaussian 11x11, sigma 1.5, population covariance" },
        Form::Wang,
    ),
    (
        Line { key: "ssim_uniform", label: "SSIM uniform", how: "scikit-image's default: 7x7, sample covariance" },
        Form::ScikitImage,
    ),
];
const MS_SSIM: Line<'_> =
    Line { key: "ms_ssim", label: "MS-SSIM", how: "five scales of Wang's, halved by means; negative terms count 0" };
#[cfg(feature = "nn")]
const FEATURES: Line<'_> = Line {
    key: "feature_distance",
    label: "feature dist.",
    how: "by kerma's own network, built in; 0 to 4, other networks' numbers do not compare",
};
const CPBD: Line<'_> = Line { key: "cpbd", label: "CPBD", how: "share of sharp edges, Narvekar 2011; noise raises it" };

/// What both images tell together.
pub(super) fn of_pair(table: &mut Table, [reference, image]: [&Image; 2], range: f64) -> Result<(), Failure> {
    let share = |value: f64| format!("{value:.5}");
    table.put(RMSE, PAIR, rmse(reference, image)?, |value| format!("{value:.4}"));
    table.put(PSNR, PAIR, psnr(reference, image, range)?, |db| {
        if db.is_infinite() { "infinite".to_owned() } else { format!("{db:.3} dB") }
    });
    for (line, form) in SSIM {
        interrupt::check()?;
        table.put(line, PAIR, ssim(reference, image, range, form)?, share);
    }
    interrupt::check()?;
    put_if_defined(table, MS_SSIM, PAIR, ms_ssim(reference, image, range), share)?;
    #[cfg(feature = "nn")]
    features(table, [reference, image], range)?;
    Ok(())
}

#[cfg(feature = "nn")]
fn features(table: &mut Table, [reference, image]: [&Image; 2], range: f64) -> Result<(), Failure> {
    interrupt::check()?;
    let distance = kerma_nn::feature_distance(&kerma_nn::beside(&kerma::engine::Device::cpu())?)?;
    let [columns, rows] = image.size();
    if columns.min(rows) < distance.least_side() {
        table.lacking(FEATURES, PAIR, &format!("needs sides > {} px", distance.least_side() - 1));
        return Ok(());
    }
    table.put(FEATURES, PAIR, distance.between(reference, image, [0.0, range])?, |value| format!("{value:.5}"));
    Ok(())
}

/// What one image tells by itself, into the column of the reference or of the image.
pub(super) fn of_one(
    table: &mut Table,
    column: usize,
    image: &Image,
    range: f64,
    args: &MetricsArgs,
) -> Result<(), Failure> {
    interrupt::check()?;
    put_if_defined(table, CPBD, column, cpbd(image, range), |value| format!("{value:.4}"))?;
    if let Some(region) = args.nps {
        interrupt::check()?;
        noise(table, column, image, region)?;
    }
    if let Some(region) = args.mtf {
        interrupt::check()?;
        transfer(table, column, image, region)?;
    }
    for (index, insert) in (1..).zip(&args.insert) {
        contrast(table, column, image, index, *insert)?;
    }
    Ok(())
}

/// Puts a number, or why this image has none; other errors are the user's.
fn put_if_defined(
    table: &mut Table,
    line: Line<'_>,
    column: usize,
    found: Result<f64, MetricError>,
    text: impl FnOnce(f64) -> String,
) -> Result<(), Failure> {
    match found {
        Err(MetricError::TooSmall { least, .. }) => {
            table.lacking(line, column, &format!("needs sides > {} px", least - 1));
        }
        Err(MetricError::Undefined { reason, .. }) => table.lacking(line, column, &reason),
        found => table.put(line, column, found?, text),
    }
    Ok(())
}

fn noise(table: &mut Table, column: usize, image: &Image, region: Region) -> Result<(), Failure> {
    let shorter = region.width.min(region.height).max(2);
    let side = (1 << (shorter / 2).ilog2()).clamp(NPS_SIDES[0], NPS_SIDES[1]);
    let found = nps(image, region, NpsOptions { side, ..NpsOptions::default() })?;
    let unit = found.unit.to_string();
    let how = format!("standard deviation in {region} about its second-degree surface");
    let line = Line { key: "noise", label: "noise", how: &how };
    table.put(line, column, found.variance.sqrt(), |value| format!("{value:.4}"));
    let how = format!("mean frequency of the NPS, {} squares of {side} px (IEC 62220-1)", found.count);
    let line = Line { key: "noise_frequency", label: "noise freq.", how: &how };
    match found.mean_frequency() {
        Some(mean) => table.put(line, column, mean, |value| format!("{value:.4} {unit}")),
        None => table.lacking(line, column, "no noise"),
    }
    table.attach("nps", column, json!({ "unit": unit, "side": side, "radial": found.radial }));
    Ok(())
}

fn transfer(table: &mut Table, column: usize, image: &Image, region: Region) -> Result<(), Failure> {
    let found = match mtf(image, region) {
        Err(MetricError::Undefined { reason, .. }) => Err(reason),
        found => Ok(found?),
    };
    for (key, label, percent) in [("mtf50", "MTF 50 %", 50), ("mtf10", "MTF 10 %", 10)] {
        let how = format!("frequency of {percent} % modulation across the edge in {region} (ISO 12233)");
        let line = Line { key, label, how: &how };
        match found.as_ref().map(|mtf| (mtf, if percent == 50 { mtf.half } else { mtf.tenth })) {
            Ok((mtf, Some(frequency))) => table.put(line, column, frequency, |f| format!("{f:.4} {}", mtf.unit)),
            Ok((_, None)) => table.lacking(line, column, "never falls so far"),
            Err(reason) => table.lacking(line, column, reason),
        }
    }
    if let Ok(found) = found {
        let (unit, angle_deg) = (found.unit.to_string(), found.angle_rad.to_degrees());
        let object = json!({ "unit": unit, "angle_deg": angle_deg, "nyquist": found.nyquist, "curve": found.curve });
        table.attach("mtf", column, object);
    }
    Ok(())
}

fn contrast(table: &mut Table, column: usize, image: &Image, index: usize, insert: Insert) -> Result<(), Failure> {
    let ([x, y], diameter) = (insert.centre, insert.diameter);
    let (key, label) = (format!("cnr{index}"), format!("CNR {index}"));
    let how = format!("disc of {diameter} px at {x},{y} against the ring around it; Rose: x sqrt(area)");
    let line = Line { key: &key, label: &label, how: &how };
    let found = match contrast_detail(image, &[insert]) {
        Err(MetricError::Undefined { reason, .. }) => {
            table.lacking(line, column, &reason);
            return Ok(());
        }
        found => found?,
    };
    for found in found {
        table.put(line, column, found.cnr, |cnr| format!("{cnr:.3} (Rose {:.1})", found.rose));
    }
    Ok(())
}
