use std::path::PathBuf;

use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use kerma::{
    data::{Grid, Projections},
    io::{check_output, write_volume},
    kernels::fdk::ramp::Window,
    tasks::{Fdk, FdkOptions, Recorded, Redundancy},
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    summary::counted,
};

const EXAMPLES: &str = "\
Examples:
  kerma reconstruct scan.nrrd --geometry scan.toml --grid 256x256x128@1x1x1 --out volume.nii.gz
  kerma reconstruct scan.nrrd --geometry scan.toml --grid 256x256x128@1x1x1+0,0,40 --window hann --cutoff 0.8 \\
      --out soft.nii.gz
  kerma reconstruct sweep.nrrd --geometry sweep.toml --grid 128x64x128@3x4x3 --window hann --margin 0.25 \\
      --improve --out like-ct.nii.gz";

/// Arguments of `kerma reconstruct`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReconstructArgs {
    #[command(flatten)]
    inputs: ReconstructInputs,
    /// Volume to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Make the volume more like the body, in HU, by a trained network, or by the one for chest tomosynthesis that is built in
    #[cfg(feature = "nn")]
    #[arg(long, value_name = "MODEL")]
    improve: Option<Option<PathBuf>>,
}

/// What a volume is reconstructed from, and how.
#[derive(Args, Debug)]
pub(crate) struct ReconstructInputs {
    /// Projections: line integrals
    projections: PathBuf,
    /// Geometry file with which they were taken
    #[arg(long, value_name = "FILE")]
    geometry: PathBuf,
    /// Voxel grid of the volume, NXxNYxNZ@SXxSYxSZ[+OX,OY,OZ]
    #[arg(long)]
    grid: Grid,
    /// How to reconstruct
    #[arg(long, value_enum, default_value_t = Method::Fdk)]
    method: Method,
    /// Apodising window of the ramp filter
    #[arg(long, default_value = "ram-lak", value_name = "NAME", value_parser = window())]
    window: Window,
    /// Where the window ends, relative to the Nyquist frequency: above 0 and at most 1
    #[arg(long, default_value_t = 1.0, value_name = "SHARE", value_parser = cutoff)]
    cutoff: f64,
    /// Continue rows beyond the detector, for objects that do: share of their length at either end, 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = margin)]
    margin: f64,
}

/// How to reconstruct.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// Filtered back-projection after Feldkamp, Davis and Kress
    Fdk,
}

fn window() -> impl TypedValueParser<Value = Window> {
    PossibleValuesParser::new(Window::NAMES.map(|(name, _)| name)).map(|given| {
        Window::NAMES.into_iter().find(|(name, _)| *name == given).map_or(Window::default(), |(_, window)| window)
    })
}

fn cutoff(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err(format!("the cut-off must be above 0 and at most 1, got {text}")),
    }
}

fn margin(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("the margin must be 0 to 1, got {text}")),
    }
}

/// Inputs that have been read.
pub(super) struct Loaded<'i> {
    inputs: &'i ReconstructInputs,
    projections: Projections,
    scanner: Scanner,
}

impl ReconstructInputs {
    /// Reads the files.
    pub(super) fn load(&self, context: &mut Context) -> Result<Loaded<'_>, Failure> {
        let scanner = Scanner::read(&self.geometry, context)?;
        let projections = inputs::projections(&self.projections, &scanner, context)?;
        Ok(Loaded { inputs: self, projections, scanner })
    }
}

impl Loaded<'_> {
    /// Records the task.
    pub(super) fn record(&self) -> Result<Fdk<'_>, Failure> {
        let ReconstructInputs { window, cutoff, margin, grid, .. } = self.inputs;
        match self.inputs.method {
            Method::Fdk => {
                let options = FdkOptions { window: *window, cutoff: *cutoff, margin: *margin, slice_mm: None };
                Fdk::new(&self.projections, &self.scanner.scan, grid, options)
                    .map_err(|error| self.scanner.blame(error, &self.inputs.projections))
            }
        }
    }
}

/// Runs `kerma reconstruct`.
pub(crate) fn run(args: &ReconstructArgs, context: &mut Context) -> Result<(), Failure> {
    check_output(&args.out)?;
    inputs::keep(&[&args.inputs.projections, &args.inputs.geometry], &args.out)?;
    let loaded = args.inputs.load(context)?;
    let task = context.record(|| loaded.record())?;
    if let Some(remark) = task.redundancy().remark() {
        context.note(remark);
    }
    let outputs = context.run(&format!("a reconstruction on {}", args.inputs.grid), task.graph())?;
    let volume = task.finish(outputs)?;
    volume.check_finite().map_err(|error| {
        Failure::input(format!("the values of {} are too large: {error}", args.inputs.projections.display()))
    })?;
    #[cfg(feature = "nn")]
    let volume = match &args.improve {
        Some(model) => super::infer::improved(&volume, model.as_deref(), &args.inputs.projections, context)?,
        None => volume,
    };
    context.write(&args.out, |out| write_volume(out, &volume))?;
    let grid = args.inputs.grid.to_string();
    context.measure("grid", &grid);
    context.measure("unit", volume.unit().to_string());
    context.measure("redundancy", redundancy_name(task.redundancy()));
    context.finish(&format!("{}: {grid}, {}, fdk", args.out.display(), counted(loaded.projections.views(), "view")))
}

fn redundancy_name(redundancy: Redundancy) -> &'static str {
    match redundancy {
        Redundancy::FullCircle => "full-circle",
        Redundancy::Displaced => "displaced",
        Redundancy::ShortScan => "short-scan",
        Redundancy::HalfTurn => "half-turn",
        Redundancy::LimitedArc => "limited-arc",
    }
}
