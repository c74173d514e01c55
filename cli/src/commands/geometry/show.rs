use std::path::PathBuf;

use clap::Args;
use glam::DVec3;
use kerma::{
    data::Grid,
    geometry::{Geometry, Source},
    io::write_bytes,
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    report::{Figure, Panel, Report, Section, Table, significant},
    summary::counted,
};

/// Arguments of `kerma geometry show`.
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// Geometry file
    geometry: PathBuf,
    /// Voxel grid to draw with it
    #[arg(long)]
    grid: Option<Grid>,
    /// Page to write
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
}

/// Runs `kerma geometry show`.
pub(super) fn run(args: &ShowArgs, context: &mut Context) -> Result<(), Failure> {
    inputs::check_page(&args.out, &[&args.geometry])?;
    let scanner = Scanner::read(&args.geometry, context)?;
    let geometry = &scanner.geometry;
    let space = Figure::new(
        "The way of the source, the detectors of the first, the last and some views between, and the volume, if one is given. \
         u and v grow along the columns and rows of the first detector, to which the thin lines lead from the first source.",
    )
    .panel(Panel::scanner_in_space("In space", geometry, args.grid.as_ref()));
    let [sagittal, axial, coronal] = Panel::scanner_sides(geometry, args.grid.as_ref());
    let above = Figure::new("Sources, the detectors of the first and the last view, and the volume, if one is given.")
        .panel(axial);
    let beside = Figure::new("The same from the side and from behind.").panels([sagittal, coronal]);
    let page = Report::new("Scan", format!("{}, {}", scanner.scan.kind(), counted(geometry.views().len(), "view")))
        .section(Section::new("Drawing").figure(space).figure(above).figure(beside))
        .section(Section::new("Numbers").table(numbers(geometry)));
    context.write(&args.out, |out| write_bytes(out, page.to_html().as_bytes()))?;
    context.measure("views", geometry.views().len());
    context.measure("kind", scanner.scan.kind());
    context.finish(&format!("{}: {}", args.out.display(), counted(geometry.views().len(), "view")))
}

/// First, middle and last view.
fn numbers(geometry: &Geometry) -> Table {
    let mut table =
        Table::new("Views", ["View", "Source or direction", "Detector's centre, mm", "u step, mm", "v step, mm"]);
    let count = geometry.views().len();
    let text = |v: DVec3| v.to_array().map(|number| significant(number, 5)).join(", ");
    let mut shown = vec![0, count / 2, count - 1];
    shown.dedup();
    for index in shown {
        let view = &geometry.views()[index];
        let source = match view.source {
            Source::Point(source) => format!("{} mm", text(source)),
            Source::Direction(direction) => format!("along {}", text(direction)),
        };
        table = table.row([
            &index.to_string(),
            &source,
            &text(view.detector_centre),
            &text(view.u_step),
            &text(view.v_step),
        ]);
    }
    table
}
