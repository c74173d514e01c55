use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glam::DVec3;
use kerma::{
    data::{Grid, Projections, Unit, Volume},
    io::{check_projections_output, write_projections},
    kernels::project::Sampling,
    tasks::{Projection, Recorded},
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    summary::counted,
};

/// CT number of what attenuates nothing.
const AIR_HU: f32 = -1000.0;

const EXAMPLES: &str = "\
Examples:
  kerma project chest.nii.gz --geometry scan.toml --out scan.nrrd
  kerma project chest.nii.gz --geometry scan.toml --projector joseph --out scan.nrrd
  kerma project ct-folder --unit hu --geometry scan.toml --out scan.nrrd
  kerma project array.npy --grid 128x128x64@2x2x4 --unit per-mm --geometry scan.toml --out scan.npy";

/// Arguments of `kerma project`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProjectArgs {
    #[command(flatten)]
    inputs: ProjectInputs,
    /// File of projections to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What a projection is computed from.
#[derive(Args, Debug)]
pub(crate) struct ProjectInputs {
    /// Volume, or folder of DICOM slices
    volume: PathBuf,
    /// Geometry file; `kerma geometry` prints examples
    #[arg(long, value_name = "FILE")]
    geometry: PathBuf,
    /// How rays sample the volume
    #[arg(long, value_enum, default_value_t = Projector::Siddon)]
    projector: Projector,
    /// Size, spacing and centre: needed where the file states none (.npy), else in place of the file's, along its axes
    #[arg(long)]
    grid: Option<Grid>,
    /// What the values are, if the file does not say
    #[arg(long, value_enum)]
    unit: Option<VolumeUnit>,
}

/// How rays sample the volume.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Projector {
    /// Exact lengths through box-shaped voxels
    Siddon,
    /// Bilinear interpolation in the slices of each ray's main axis
    Joseph,
    /// Trilinear interpolation at samples half the smallest spacing apart
    Trilinear,
}

impl From<Projector> for Sampling {
    fn from(projector: Projector) -> Self {
        match projector {
            Projector::Siddon => Self::Siddon,
            Projector::Joseph => Self::Joseph,
            Projector::Trilinear => Self::Trilinear,
        }
    }
}

/// Units of a volume.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum VolumeUnit {
    /// CT numbers in Hounsfield units
    Hu,
    /// Attenuation coefficients in 1/mm
    PerMm,
}

impl From<VolumeUnit> for Unit {
    fn from(unit: VolumeUnit) -> Self {
        match unit {
            VolumeUnit::Hu => Self::Hounsfield,
            VolumeUnit::PerMm => Self::PerMillimetre,
        }
    }
}

/// Inputs that have been read.
pub(super) struct Loaded<'i> {
    inputs: &'i ProjectInputs,
    volume: Volume,
    scanner: Scanner,
}

impl ProjectInputs {
    /// Reads the files.
    pub(super) fn load(&self, context: &mut Context) -> Result<Loaded<'_>, Failure> {
        let scanner = Scanner::read(&self.geometry, context)?;
        let volume = inputs::volume(&self.volume, self.grid, self.unit.map(Unit::from), context)?;
        Ok(Loaded { inputs: self, volume, scanner })
    }
}

impl Loaded<'_> {
    /// Records the task.
    pub(super) fn record(&self) -> Result<Projection<'_>, Failure> {
        Projection::by(self.inputs.projector.into(), &self.volume, &self.scanner.geometry)
            .map_err(|error| self.scanner.blame(error, &self.inputs.volume))
    }
}

/// The grid that would bring a volume to the isocentre, if there is something in it and all rays go past it.
fn missed(volume: &Volume, stack: &Projections) -> Option<Grid> {
    let nothing = if volume.unit() == Unit::Hounsfield { AIR_HU } else { 0.0 };
    let is_missed = stack.values().iter().all(|&v| v == 0.0) && volume.values().iter().any(|&v| v > nothing);
    is_missed.then(|| volume.grid().with_centre(DVec3::ZERO))
}

/// Runs `kerma project`.
pub(crate) fn run(args: &ProjectArgs, context: &mut Context) -> Result<(), Failure> {
    check_projections_output(&args.out)?;
    inputs::keep(&[&args.inputs.volume, &args.inputs.geometry], &args.out)?;
    let loaded = args.inputs.load(context)?;
    inputs::check_room(&args.out, loaded.scanner.geometry.value_count())?;
    let task = context.record(|| loaded.record())?;
    let outputs = context.run("projection", task.graph())?;
    let stack = task.finish(outputs)?;
    stack.check_finite().map_err(|error| {
        Failure::input(format!("the values of {} are too large: {error}", args.inputs.volume.display()))
    })?;
    if let Some(grid) = missed(&loaded.volume, &stack) {
        let c = loaded.volume.grid().centre_mm();
        context.note(&format!(
            "no ray meets the volume: it lies around {},{},{} mm, the isocentre at 0,0,0; move it there with --grid {grid}",
            c.x, c.y, c.z
        ));
    }
    context.write(&args.out, |out| write_projections(out, &stack))?;
    let [nu, nv] = stack.detector();
    context.measure("views", stack.views());
    context.measure("detector", [nu, nv]);
    context.measure("kind", loaded.scanner.scan.kind());
    let kind = loaded.scanner.scan.kind();
    context.finish(&format!("{}: {} of {nu}x{nv}, {kind}", args.out.display(), counted(stack.views(), "view")))
}
