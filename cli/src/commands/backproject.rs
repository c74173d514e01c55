use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kerma::{
    data::{Grid, Projections},
    io::{check_output, write_volume},
    tasks::{Backprojection, Backprojector, Recorded},
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    summary::counted,
};

const EXAMPLES: &str = "\
Examples:
  kerma backproject scan.nrrd --geometry scan.toml --grid 256x256x128@1x1x1 --out adjoint.nrrd
  kerma backproject scan.nrrd --geometry scan.toml --grid 256x256x128@1x1x1 --projector voxel-driven \\
      --out fast.nrrd

The values are in the unit of the projections times mm, and no picture of the body; for that there is kerma reconstruct.";

/// Arguments of `kerma backproject`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BackprojectArgs {
    #[command(flatten)]
    inputs: BackprojectInputs,
    /// Volume to write, or a folder for DICOM slices, DIR/
    #[arg(long, value_name = "FILE|DIR/")]
    out: PathBuf,
}

/// What is projected back, and how.
#[derive(Args, Debug)]
pub(crate) struct BackprojectInputs {
    /// Projections: line integrals
    projections: PathBuf,
    /// Geometry file with which they were taken
    #[arg(long, value_name = "FILE")]
    geometry: PathBuf,
    /// Voxel grid of the volume, NXxNYxNZ@SXxSYxSZ[+OX,OY,OZ]
    #[arg(long)]
    grid: Grid,
    /// How voxels take from pixels
    #[arg(long, value_enum, default_value_t = Weights::Siddon)]
    projector: Weights,
}

/// How voxels take from pixels.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Weights {
    /// By the lengths of `project --projector siddon`, exactly: its adjoint
    Siddon,
    /// By the weights of `project --projector joseph`, exactly: its adjoint
    Joseph,
    /// By the weights of `project --projector trilinear`, exactly: its adjoint
    Trilinear,
    /// Each from the four pixels where its centre is seen: faster, but the adjoint of no projector
    VoxelDriven,
}

impl From<Weights> for Backprojector {
    fn from(weights: Weights) -> Self {
        match weights {
            Weights::Siddon => Self::Siddon,
            Weights::Joseph => Self::Joseph,
            Weights::Trilinear => Self::Trilinear,
            Weights::VoxelDriven => Self::VoxelDriven,
        }
    }
}

/// Inputs that have been read.
pub(super) struct Loaded<'i> {
    inputs: &'i BackprojectInputs,
    projections: Projections,
    scanner: Scanner,
}

impl BackprojectInputs {
    /// Reads the files.
    pub(super) fn load(&self, context: &mut Context) -> Result<Loaded<'_>, Failure> {
        let scanner = Scanner::read(&self.geometry, context)?;
        let projections = inputs::projections(&self.projections, &scanner, context)?;
        Ok(Loaded { inputs: self, projections, scanner })
    }
}

impl Loaded<'_> {
    /// Records the task.
    pub(super) fn record(&self) -> Result<Backprojection<'_>, Failure> {
        let BackprojectInputs { grid, projector, .. } = self.inputs;
        Backprojection::new(&self.projections, &self.scanner.geometry, grid, (*projector).into())
            .map_err(|error| self.scanner.blame(error, &self.inputs.projections))
    }
}

/// Runs `kerma backproject`.
pub(crate) fn run(args: &BackprojectArgs, context: &mut Context) -> Result<(), Failure> {
    check_output(&args.out)?;
    inputs::keep(&[&args.inputs.projections, &args.inputs.geometry], &args.out)?;
    inputs::check_room(&args.out, args.inputs.grid.voxel_count())?;
    let loaded = args.inputs.load(context)?;
    let task = context.record(|| loaded.record())?;
    let outputs = context.run(&format!("a back-projection on {}", args.inputs.grid), task.graph())?;
    let volume = task.finish(outputs)?;
    volume.check_finite().map_err(|error| {
        Failure::input(format!("the values of {} are too large: {error}", args.inputs.projections.display()))
    })?;
    context.write(&args.out, |out| write_volume(out, &volume))?;
    let grid = args.inputs.grid.to_string();
    context.measure("grid", &grid);
    context.measure("views", loaded.projections.views());
    context.finish(&format!("{}: {grid}, {}", args.out.display(), counted(loaded.projections.views(), "view")))
}
