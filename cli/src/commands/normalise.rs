use std::path::{Path, PathBuf};

use clap::Args;
use kerma::{
    io::{check_projections_output, dataset_beside, read_projections, write_projections},
    tasks::raw::{Normalised, RawScan, Stripes, remove_stripes},
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    summary::counted,
};

const EXAMPLES: &str = "\
Examples:
  kerma normalise scan.h5 --geometry scan.toml --out scan.nrrd
  kerma normalise counts.npy --flat flats.npy --dark darks.npy --geometry scan.toml --out scan.nrrd
  kerma normalise counts.nrrd --flat flats.nrrd --geometry scan.toml --stripes 21 --out scan.nrrd
  kerma normalise counts.nrrd --flat flats.nrrd --geometry scan.toml --stripes wavelet:2,2 --out scan.nrrd

p = -ln((I - D - S)/(F - D)), D and F the means of all dark and flat fields. Pixels whose F - D is below a tenth of the median or
above ten times it are bad ones, and get what lies between their neighbours in a row.

Stripes: sorting:COLUMNS, or the number alone, takes medians over so many columns, an odd number, of values sorted over the views (Vo 2018);
wavelet:LEVELS,SIGMA damps the vertical details of so many levels of a wavelet transform below about SIGMA cycles along the views (Münch 2009).";

/// Arguments of `kerma normalise`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct NormaliseArgs {
    /// Counts of the scan, [view][v][u]
    counts: PathBuf,
    /// Views without an object, any number of them; without it data_white beside counts in HDF5
    #[arg(long, value_name = "FILE")]
    flat: Option<PathBuf>,
    /// Views without a beam, any number of them; without it data_dark beside counts in HDF5, else 0
    #[arg(long, value_name = "FILE")]
    dark: Option<PathBuf>,
    /// Scattered counts to take off: one view for all, or one for each
    #[arg(long, value_name = "FILE")]
    scatter: Option<PathBuf>,
    /// Geometry file with which they were taken
    #[arg(long, value_name = "FILE")]
    geometry: PathBuf,
    /// Least transmission that is told from none, above 0 and below 1
    #[arg(long, default_value_t = 1e-4, value_name = "SHARE")]
    floor: f64,
    /// Take off stripes, which become rings: sorting:COLUMNS, or the number alone, or wavelet:LEVELS,SIGMA
    #[arg(long, value_name = "METHOD")]
    stripes: Option<Stripes>,
    /// Projections to write: line integrals
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Where flat and dark fields are: as the options say, else beside the counts of an HDF5 file.
fn fields(args: &NormaliseArgs, context: &mut Context) -> Result<[Option<PathBuf>; 2], Failure> {
    let mut place = |named: &Option<PathBuf>, name: &str| match named {
        Some(path) => Ok(Some(path.clone())),
        None => context.read(|| dataset_beside(&args.counts, name)),
    };
    Ok([place(&args.flat, "data_white")?, place(&args.dark, "data_dark")?])
}

/// Runs `kerma normalise`.
pub(crate) fn run(args: &NormaliseArgs, context: &mut Context) -> Result<(), Failure> {
    check_projections_output(&args.out)?;
    let [flat, dark] = fields(args, context)?;
    let Some(flat) = flat else {
        let message = "holds no flat fields, data_white, beside its counts; name them with --flat";
        return Err(Failure::input(message).in_file(&args.counts));
    };
    let optional = [&dark, &args.scatter].into_iter().flatten().map(PathBuf::as_path);
    let sources: Vec<&Path> =
        [&args.counts, &flat, &args.geometry].map(PathBuf::as_path).into_iter().chain(optional).collect();
    inputs::keep(&sources, &args.out)?;
    let scanner = Scanner::read(&args.geometry, context)?;
    let counts = inputs::projections(&args.counts, &scanner, context)?;
    let pitch = scanner.geometry.pitch_mm();
    let mut read = |path: &PathBuf| context.read(|| read_projections(path, Some(pitch)));
    let found = [(&args.flat, Some(&flat), "flat"), (&args.dark, dark.as_ref(), "dark")];
    let found = found.map(|(named, path, what)| {
        path.filter(|_| named.is_none()).map(|path| format!("{what} fields: {}", path.display()))
    });
    let flat = read(&flat)?;
    let dark = dark.as_ref().map(&mut read).transpose()?;
    let scatter = args.scatter.as_ref().map(&mut read).transpose()?;
    let (views, expected) = (counts.views(), scanner.geometry.views().len());
    if views != expected {
        let geometry = args.geometry.display();
        let message = format!("has {}, {geometry} has {expected}", counted(views, "view"));
        return Err(Failure::input(message).in_file(&args.counts));
    }
    let raw =
        RawScan { counts: &counts, flat: &flat, dark: dark.as_ref(), scatter: scatter.as_ref(), floor: args.floor };
    let Normalised { projections, bad_pixels, floored } = context.compute(|| {
        let normalised = raw.normalised()?;
        match args.stripes {
            Some(stripes) => {
                let projections = remove_stripes(&normalised.projections, stripes)?;
                Ok(Normalised { projections, ..normalised })
            }
            None => Ok::<_, Failure>(normalised),
        }
    })?;
    for place in found.iter().flatten() {
        context.note(place);
    }
    if bad_pixels > 0 {
        context.note(&format!("{} mended", counted(bad_pixels, "bad pixel")));
    }
    if floored > 0 {
        context.note(&format!("{} at the floor of {}", counted(floored, "value"), args.floor));
    }
    context.write(&args.out, |out| write_projections(out, &projections))?;
    context.measure("bad_pixels", bad_pixels);
    context.measure("floored", floored);
    let [nu, nv] = projections.detector();
    context.finish(&format!("{}: {} of {nu}x{nv}", args.out.display(), counted(views, "view")))
}
