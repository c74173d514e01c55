use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use glam::DVec3;
use kerma::{
    data::Grid,
    geometry::{Geometry, Scan, Source, Vectors, convert::rtk::from_rtk},
    io::{check_file, read_rtk_geometry, write_bytes},
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    report::{Figure, Panel, Report, Section, Table, significant},
    summary::counted,
};

const EXAMPLES: &str = "\
Examples:
  kerma geometry tomosynthesis-linear > sweep.toml
  kerma geometry show sweep.toml --grid 128x64x128@3x4x3 --out sweep.html
  kerma geometry import geometry.xml --detector 512x384 --pitch 0.8x0.8 --out scan.toml";

/// Arguments of `kerma geometry`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct GeometryArgs {
    /// Kind of scan; without it the kinds are listed
    #[arg(value_parser = PossibleValuesParser::new(Scan::KINDS))]
    name: Option<String>,
    #[command(subcommand)]
    action: Option<Action>,
}

/// What else can be done with geometries.
#[derive(Debug, Subcommand)]
enum Action {
    /// Write a page that draws source, detector and volume of a geometry file from three sides
    Show(ShowArgs),
    /// Make a geometry file of an RTK geometry (XML, version 3)
    Import(ImportArgs),
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// Geometry file
    geometry: PathBuf,
    /// Voxel grid to draw with it
    #[arg(long)]
    grid: Option<Grid>,
    /// Page to write
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
}

#[derive(Args, Debug)]
struct ImportArgs {
    /// Geometry of RTK, .xml
    geometry: PathBuf,
    /// Columns and rows of the detector, which the file does not state
    #[arg(long, value_name = "NUxNV", value_parser = pair::<usize>)]
    detector: [usize; 2],
    /// Distances between pixels along u and v in mm, which the file does not state
    #[arg(long, value_name = "DUxDV", value_parser = pair::<f64>)]
    pitch: [f64; 2],
    /// Geometry file to write: explicit views
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn pair<T: std::str::FromStr>(text: &str) -> Result<[T; 2], String> {
    let both = text.split_once('x').and_then(|(u, v)| Some([u.parse().ok()?, v.parse().ok()?]));
    both.ok_or_else(|| format!("must be two numbers with an x between them, got {text}"))
}

/// Runs `kerma geometry`.
pub(crate) fn run(args: &GeometryArgs, context: &mut Context) -> Result<(), Failure> {
    match (&args.action, &args.name) {
        (Some(Action::Show(args)), _) => show(args, context),
        (Some(Action::Import(args)), _) => import(args, context),
        (None, Some(name)) => {
            let text = Scan::example(name)?;
            context.measure("kind", name);
            context.measure("toml", text);
            context.answer(text)
        }
        (None, None) => {
            context.measure("kinds", Scan::KINDS);
            context.answer(Scan::KINDS.map(|kind| format!("{kind}\n")).concat())
        }
    }
}

fn import(args: &ImportArgs, context: &mut Context) -> Result<(), Failure> {
    check_file(&args.out)?;
    inputs::keep(&[&args.geometry], &args.out)?;
    let projections = context.read(|| read_rtk_geometry(&args.geometry))?;
    let geometry = from_rtk(args.detector, args.pitch, &projections);
    let geometry = geometry.map_err(|error| Failure::from(error).in_file(&args.geometry))?;
    let text = Scan::from(Vectors::from(&geometry)).to_toml()?;
    context.write(&args.out, |out| write_bytes(out, text.as_bytes()))?;
    context.measure("views", projections.len());
    context.finish(&format!("{}: {}", args.out.display(), counted(projections.len(), "view")))
}

fn show(args: &ShowArgs, context: &mut Context) -> Result<(), Failure> {
    inputs::check_page(&args.out, &[&args.geometry])?;
    let scanner = Scanner::read(&args.geometry, context)?;
    let geometry = &scanner.geometry;
    let [sagittal, axial, coronal] = Panel::scanner_sides(geometry, args.grid.as_ref());
    let above = Figure::new("Sources, the detectors of the first and the last view, and the volume, if one is given.")
        .panel(axial);
    let beside = Figure::new("The same from the side and from behind.").panels([sagittal, coronal]);
    let page = Report::new("Scan", format!("{}, {}", scanner.scan.kind(), counted(geometry.views().len(), "view")))
        .section(Section::new("Drawing").figure(above).figure(beside))
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
