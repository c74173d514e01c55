use std::path::PathBuf;

use clap::Args;
use kerma::{
    geometry::Scan,
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

Line integrals of half a turn of parallel beams or more, or of a full turn of a fan or a circular cone beam. Where the sinogram does not say, no column is named and the exit code is 2.";

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
    /// Row of the detector to look at in parallel beams; without it the middle one
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
    let mut moved = scanner.scan.clone();
    let offset = match &mut moved {
        Scan::Parallel(scan) => &mut scan.offset_mm,
        Scan::Fan(scan) => &mut scan.offset_mm,
        Scan::ConeCircular(scan) => &mut scan.offset_mm,
        other => {
            let message =
                format!("kind is {}; the axis is looked for in parallel, fan and cone-circular", other.kind());
            return Err(Failure::input(message).in_file(&args.geometry));
        }
    };
    let projections = inputs::projections(&args.projections, &scanner, context)?;
    let search = AxisSearch { row: args.row, reach: args.reach };
    let axis = context.compute(|| find_axis(&projections, &scanner.scan, search));
    let axis = axis.map_err(|error| Failure::from(error).in_file(&args.projections))?;
    let Axis { column, row, sharpness, by_opposite_views } = axis;
    if let Some(other) = by_opposite_views.filter(|other| (column - other).abs() > AGREEING) {
        context.note(&format!("opposite views say column {other:.2}, the sinogram {column:.2}, which is taken"));
    }
    offset[0] = axis.offset_mm(scanner.geometry.detector()[0], scanner.geometry.pitch_mm()[0]);
    let [u, v] = *offset;
    context.measure("column", column);
    context.measure("row", row);
    context.measure("offset_mm", [u, v]);
    context.measure("sharpness", sharpness);
    context.measure("column_by_opposite_views", by_opposite_views);
    let aside = by_opposite_views.map_or_else(String::new, |other| format!(" (by opposite views {other:.2})"));
    let text = format!(
        "axis at column {column:.2} of row {row}{aside}, sharpness {sharpness:.2}\noffset_mm = [{u:.4}, {v}]\n"
    );
    if let Some(out) = &args.out {
        let moved = moved.to_toml()?;
        context.write(out, |out| write_bytes(out, moved.as_bytes()))?;
    }
    context.answer(text)
}
