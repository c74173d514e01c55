mod iterations;
mod page;
mod parts;

use std::{cell::Cell, path::PathBuf};

use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use kerma::{
    data::{Grid, Projections, Volume},
    engine::Graph,
    io::{check_output, write_volume},
    kernels::fdk::ramp::Window,
    tasks::{Fdk, FdkOptions, Fourier, Recorded, Redundancy, iterative::Iterate},
};

use self::iterations::IterationArgs;
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
      --improve --out like-ct.nii.gz
  kerma reconstruct scan.nrrd --geometry scan.toml --grid 256x256x128@1x1x1 --method os-sart --iterations 5 --min 0 \\
      --mu-water 0.0206 --out sart.nii.gz --report sart.html
  kerma reconstruct few.nrrd --geometry few.toml --grid 128x128x128@2x2x2 --method fista-tv --tv-weight 0.01 \\
      --iterations 50 --out few.nii.gz";

/// Arguments of `kerma reconstruct`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReconstructArgs {
    #[command(flatten)]
    inputs: ReconstructInputs,
    /// Volume to write, or a folder for DICOM slices, DIR/
    #[arg(long, value_name = "FILE|DIR/")]
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
    /// Write CT numbers, with water at so many 1/mm, in the place of attenuation coefficients
    #[arg(long, value_name = "MU", value_parser = positive)]
    mu_water: Option<f64>,
    /// Apodising window of the ramp filter, fdk and fourier only
    #[arg(long, default_value = "ram-lak", value_name = "NAME", value_parser = window())]
    window: Window,
    /// Where the window ends, relative to the Nyquist frequency: above 0 and at most 1; fdk and fourier only
    #[arg(long, default_value_t = 1.0, value_name = "SHARE", value_parser = cutoff)]
    cutoff: f64,
    /// Continue rows beyond the detector, for objects that do: share of their length at either end, 0 to 1; fdk and fourier only
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = margin)]
    margin: f64,
    /// Most host memory to use, for instance 2GB: volume and stack pass through it in parts; fdk only
    #[arg(long, value_name = "SIZE", value_parser = inputs::memory)]
    memory: Option<u64>,
    #[command(flatten)]
    iterations: IterationArgs,
}

/// How to reconstruct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Filtered back-projection after Feldkamp, Davis and Kress
    Fdk,
    /// The same sums taken in frequency: parallel beams, in a fraction of the time
    Fourier,
    /// Simultaneous iterations: least squares, each ray by its length
    Sirt,
    /// The same with subsets of the views: as good in fewer iterations
    OsSart,
    /// Conjugate gradients: least squares in the fewest iterations
    Cgls,
    /// Expectation maximisation: never negative
    Mlem,
    /// The same with subsets of the views
    Osem,
    /// Least squares and total variation: few views, sharp edges
    FistaTv,
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

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err(format!("must be above 0, got {text}")),
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
    /// How iterations went, for the page.
    course: Cell<Option<Course>>,
}

/// Iterations, and the last residual.
type Course = (Vec<Iterate>, Option<f64>);

impl ReconstructInputs {
    /// Reads the files.
    pub(super) fn load(&self, context: &mut Context) -> Result<Loaded<'_>, Failure> {
        let scanner = Scanner::read(&self.geometry, context)?;
        let projections = inputs::projections(&self.projections, &scanner, context)?;
        Ok(Loaded { inputs: self, projections, scanner, course: Cell::default() })
    }

    /// Prints how the work would be divided, if it is to be.
    pub(super) fn divided(&self, context: &mut Context) -> Option<Result<(), Failure>> {
        context.parts_within(self.memory).map(|memory_bytes| parts::plan(self, memory_bytes, context))
    }

    /// The volume in the unit that is asked for.
    fn in_unit(&self, volume: Volume) -> Volume {
        match self.mu_water {
            Some(water_per_mm) => volume.to_hounsfield(water_per_mm),
            None => volume,
        }
    }
}

impl Loaded<'_> {
    /// Plans what the command runs, for those who print it.
    pub(super) fn planned(
        &self,
        context: &mut Context,
        print: impl FnOnce(&Graph<'_>, &mut Context) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.inputs.method {
            Method::Fdk => {
                let task = context.record(|| self.filtered())?;
                print(task.graph(), context)
            }
            Method::Fourier => {
                let task = context.record(|| self.in_frequency())?;
                print(task.graph(), context)
            }
            _ => {
                let task = self.iterative(context)?;
                let device = context.device()?.clone();
                task.with_iteration(&device, |graph| print(graph, context))?
            }
        }
    }

    /// Records the filtered back-projection.
    fn filtered(&self) -> Result<Fdk<'_>, Failure> {
        let options = self.filter()?;
        Fdk::new(&self.projections, &self.scanner.scan, &self.inputs.grid, options)
            .map_err(|error| self.scanner.blame(error, &self.inputs.projections))
    }

    /// Records the same in frequency.
    fn in_frequency(&self) -> Result<Fourier<'_>, Failure> {
        let options = self.filter()?;
        Fourier::new(&self.projections, &self.scanner.scan, &self.inputs.grid, options)
            .map_err(|error| self.scanner.blame(error, &self.inputs.projections))
    }

    /// How both filter.
    fn filter(&self) -> Result<FdkOptions, Failure> {
        let ReconstructInputs { window, cutoff, margin, iterations, .. } = self.inputs;
        iterations.check_absent()?;
        Ok(FdkOptions { window: *window, cutoff: *cutoff, margin: *margin, slice_mm: None })
    }

    /// Runs a task of one graph, and says what the scan's redundancy means.
    fn analytic<T: Recorded<Result = Volume>>(
        &self,
        task: &T,
        redundancy: Redundancy,
        context: &mut Context,
    ) -> Result<Volume, Failure> {
        if let Some(remark) = redundancy.remark() {
            context.note(&remark);
        }
        let outputs = context.run(&format!("a reconstruction on {}", self.inputs.grid), task.graph())?;
        let volume = task.finish(outputs)?;
        self.finite(&volume)?;
        context.measure("redundancy", redundancy_name(redundancy));
        Ok(volume)
    }

    fn finite(&self, volume: &Volume) -> Result<(), Failure> {
        volume.check_finite().map_err(|error| {
            Failure::input(format!("the values of {} are too large: {error}", self.inputs.projections.display()))
        })
    }
}

/// Runs `kerma reconstruct`.
pub(crate) fn run(args: &ReconstructArgs, context: &mut Context) -> Result<(), Failure> {
    check_output(&args.out)?;
    inputs::keep(&[&args.inputs.projections, &args.inputs.geometry], &args.out)?;
    inputs::check_room(&args.out, args.inputs.grid.voxel_count())?;
    if let Some(page) = &args.inputs.iterations.report {
        inputs::check_page(page, &[&args.inputs.projections, &args.inputs.geometry])?;
    }
    if let Some(memory_bytes) = context.parts_within(args.inputs.memory) {
        #[cfg(feature = "nn")]
        if args.improve.is_some() {
            return Err(Failure::input(
                "give --improve or one of --memory and several devices, not both: networks take whole volumes",
            ));
        }
        return parts::run(args, memory_bytes, context);
    }
    let loaded = args.inputs.load(context)?;
    let volume = match args.inputs.method {
        Method::Fdk => {
            let task = context.record(|| loaded.filtered())?;
            loaded.analytic(&task, task.redundancy(), context)?
        }
        Method::Fourier => {
            let task = context.record(|| loaded.in_frequency())?;
            loaded.analytic(&task, task.redundancy(), context)?
        }
        _ => loaded.iterated(&args.out, context)?,
    };
    #[cfg(feature = "nn")]
    let volume = match &args.improve {
        Some(model) => super::infer::improved(&volume, model.as_deref(), &args.inputs.projections, context)?,
        None => volume,
    };
    let volume = loaded.inputs.in_unit(volume);
    context.write(&args.out, |out| write_volume(out, &volume))?;
    let grid = args.inputs.grid.to_string();
    let method = args.inputs.method.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    context.measure("grid", &grid);
    context.measure("unit", volume.unit().to_string());
    context.measure("method", &method);
    loaded.report(&volume, context)?;
    context.finish(&format!(
        "{}: {grid}, {}, {method}",
        args.out.display(),
        counted(loaded.projections.views(), "view")
    ))
}

fn redundancy_name(redundancy: Redundancy) -> &'static str {
    match redundancy {
        Redundancy::FullCircle => "full-circle",
        Redundancy::Displaced => "displaced",
        Redundancy::ShortScan => "short-scan",
        Redundancy::DisplacedShort { .. } => "displaced-short",
        Redundancy::Helix => "helix",
        Redundancy::HalfTurn => "half-turn",
        Redundancy::LimitedArc => "limited-arc",
    }
}
