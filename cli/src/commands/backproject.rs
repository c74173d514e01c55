use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kerma::{
    data::{Grid, Projections, Volume},
    io::{check_output, write_volume},
    tasks::{Backprojection, Backprojector, BatchwiseBackprojection, Recorded},
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    report::bytes,
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
    /// Most host memory to use, for instance 2GB: views are read from the file in batches
    #[arg(long, value_name = "SIZE", value_parser = inputs::memory)]
    memory: Option<u64>,
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

impl BackprojectInputs {
    /// Plans the task in batches that keep within a memory.
    fn in_batches(
        &self,
        memory_bytes: u64,
        context: &mut Context,
    ) -> Result<(BatchwiseBackprojection, Scanner), Failure> {
        let scanner = Scanner::read(&self.geometry, context)?;
        context.read(|| scanner.stream(&self.projections))?;
        let limits = context.device()?.limits();
        let (geometry, grid, weights) = (&scanner.geometry, &self.grid, self.projector.into());
        let task = context.record(|| BatchwiseBackprojection::new(geometry, grid, weights, memory_bytes, limits));
        let task = task.map_err(|error| scanner.blame(error, &self.projections))?;
        context.measure("parts", task.parts());
        context.measure("views_together", task.views_together());
        Ok((task, scanner))
    }

    /// Prints how the work would be divided, if it is to be.
    pub(super) fn divided(&self, context: &mut Context) -> Option<Result<(), Failure>> {
        let memory_bytes = self.memory?;
        Some(self.in_batches(memory_bytes, context).and_then(|(task, _)| {
            let parts = counted(task.parts(), "part");
            let views = counted(task.views_together(), "view");
            context.answer(format!("{parts} of {views} at most within {}\n", bytes(memory_bytes)))
        }))
    }

    /// The volume, from views that are read in batches, and their number.
    fn in_parts(&self, memory_bytes: u64, context: &mut Context) -> Result<(Volume, usize), Failure> {
        let (task, scanner) = self.in_batches(memory_bytes, context)?;
        let volume = context.drive(&self.name(), |device, control| {
            pollster::block_on(task.run(device, control, scanner.views_of(&self.projections)))
        })?;
        Ok((volume, scanner.geometry.views().len()))
    }

    /// The same from the whole stack.
    fn as_whole(&self, context: &mut Context) -> Result<(Volume, usize), Failure> {
        let loaded = self.load(context)?;
        let task = context.record(|| loaded.record())?;
        let outputs = context.run(&self.name(), task.graph())?;
        Ok((task.finish(outputs)?, loaded.projections.views()))
    }

    fn name(&self) -> String {
        format!("a back-projection on {}", self.grid)
    }
}

/// Runs `kerma backproject`.
pub(crate) fn run(args: &BackprojectArgs, context: &mut Context) -> Result<(), Failure> {
    let BackprojectInputs { projections, geometry, grid, memory, .. } = &args.inputs;
    check_output(&args.out)?;
    inputs::keep(&[projections, geometry], &args.out)?;
    inputs::check_room(&args.out, grid.voxel_count())?;
    let (volume, views) = match memory {
        Some(memory_bytes) => args.inputs.in_parts(*memory_bytes, context)?,
        None => args.inputs.as_whole(context)?,
    };
    volume
        .check_finite()
        .map_err(|error| Failure::input(format!("the values of {} are too large: {error}", projections.display())))?;
    context.write(&args.out, |out| write_volume(out, &volume))?;
    context.measure("grid", grid.to_string());
    context.measure("views", views);
    context.finish(&format!("{}: {grid}, {}", args.out.display(), counted(views, "view")))
}
