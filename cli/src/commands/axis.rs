use std::path::PathBuf;

use clap::Args;
use kerma::{
    geometry::{Parallel, Scan},
    io::{check_file, write_bytes},
    tasks::raw::{Axis, AxisSearch, find_axis},
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
};

const EXAMPLES: &str = "\
Examples:
  kerma axis scan.nrrd --geometry scan.toml
  kerma axis scan.nrrd --geometry scan.toml --row 100 --out centred.toml

Half a turn of parallel beams or more, line integrals. Where the sinogram does not say, no column is named and the exit code is 2.";

/// Columns by which the two ways may differ without a word.
const AGREEING: f64 = 1.0;

/// Arguments of `kerma axis`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AxisArgs {
    /// Projections: line integrals
    projections: PathBuf,
    /// Geometry file with which they were taken
    #[arg(long, value_name = "FILE")]
    geometry: PathBuf,
    /// Row of the detector to look at; without it the middle one
    #[arg(long, value_name = "ROW")]
    row: Option<usize>,
    /// How far from the detector's middle the axis may be, as a share of its columns, at most 0.5
    #[arg(long, default_value_t = 0.25, value_name = "SHARE")]
    reach: f64,
    /// Geometry file to write, with the detector moved so that the axis is in its place
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `kerma axis`.
pub(crate) fn run(args: &AxisArgs, context: &mut Context) -> Result<(), Failure> {
    if let Some(out) = &args.out {
        check_file(out)?;
        inputs::keep(&[&args.projections], out)?;
    }
    let scanner = Scanner::read(&args.geometry, context)?;
    let Scan::Parallel(scan) = &scanner.scan else {
        let kind = scanner.scan.kind();
        let message = format!("kind is {kind}; the axis is looked for in parallel beams");
        return Err(Failure::input(message).in_file(&args.geometry));
    };
    let projections = inputs::projections(&args.projections, &scanner, context)?;
    if projections.views() != scan.views || projections.detector() != scan.detector {
        let message = format!("does not have the views and pixels of {}", args.geometry.display());
        return Err(Failure::input(message).in_file(&args.projections));
    }
    let row = args.row.unwrap_or(scan.detector[1] / 2);
    let search = AxisSearch { row, reach: args.reach };
    let axis = context.compute(|| find_axis(&projections, scan, search));
    let axis = axis.map_err(|error| Failure::from(error).in_file(&args.projections))?;
    let Axis { column, sharpness, by_opposite_views } = axis;
    if (column - by_opposite_views).abs() > AGREEING {
        context.note(&format!(
            "opposite views say column {by_opposite_views:.2}, the sinogram {column:.2}, which is taken"
        ));
    }
    let offset_mm = axis.offset_mm(scan);
    context.measure("column", column);
    context.measure("offset_mm", [offset_mm, scan.offset_mm[1]]);
    context.measure("sharpness", sharpness);
    context.measure("column_by_opposite_views", by_opposite_views);
    let text = format!(
        "axis at column {column:.2} of row {row} (by opposite views {by_opposite_views:.2}), sharpness {sharpness:.2}\n\
         offset_mm = [{offset_mm:.4}, {}]\n",
        scan.offset_mm[1]
    );
    if let Some(out) = &args.out {
        let moved = Scan::Parallel(Parallel { offset_mm: [offset_mm, scan.offset_mm[1]], ..scan.clone() }).to_toml()?;
        context.write(out, |out| write_bytes(out, moved.as_bytes()))?;
    }
    context.answer(text)
}
