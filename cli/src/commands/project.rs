use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use glam::DVec3;
use kerma::{
    data::{Grid, Projections, Unit, Volume},
    io::{ProjectionWriter, check_projections_output, write_projections},
    kernels::project::Sampling,
    tasks::{BatchwiseProjection, Projection, Recorded},
};

use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    interrupt,
    report::bytes,
    summary::counted,
};

/// CT number of what attenuates nothing.
const AIR_HU: f32 = -1000.0;

const EXAMPLES: &str = "\
Examples:
  kerma project chest.nii.gz --geometry scan.toml --out scan.nrrd
  kerma project chest.nii.gz --geometry scan.toml --projector joseph --out scan.nrrd
  kerma project chest.nii.gz --geometry many-views.toml --memory 2GB --out scan.nrrd
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
    /// Most host memory to use, for instance 2GB: views go to the file in batches
    #[arg(long, value_name = "SIZE", value_parser = inputs::memory)]
    memory: Option<u64>,
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

    /// Plans the task in batches that keep within a memory.
    fn in_batches(&self, memory_bytes: u64, context: &mut Context) -> Result<BatchwiseProjection<'_>, Failure> {
        let devices = context.devices()?;
        let (count, limits) = (devices.len(), devices[0].limits());
        let (sampling, memory) = (self.inputs.projector.into(), (count, memory_bytes));
        let geometry = &self.scanner.geometry;
        let task = context.record(|| BatchwiseProjection::new(sampling, &self.volume, geometry, memory, limits));
        let task = task.map_err(|error| self.scanner.blame(error, &self.inputs.volume))?;
        context.measure("parts", task.parts());
        context.measure("views_together", task.views_together());
        Ok(task)
    }

    /// Prints how the work would be divided, if it is to be.
    pub(super) fn divided(&self, context: &mut Context) -> Option<Result<(), Failure>> {
        let memory_bytes = context.parts_within(self.inputs.memory)?;
        Some(self.in_batches(memory_bytes, context).and_then(|task| {
            let parts = counted(task.parts(), "part");
            let views = counted(task.views_together(), "view");
            context.answer(format!("{parts} of {views} at most within {}\n", bytes(memory_bytes)))
        }))
    }

    /// Projects in batches into a file, and tells whether rays meet anything.
    fn write_in_batches(&self, out: &Path, memory_bytes: u64, context: &mut Context) -> Result<bool, Failure> {
        let task = self.in_batches(memory_bytes, context)?;
        let mut writer = ProjectionWriter::create(out, &self.scanner.geometry, Unit::LineIntegral)?;
        let mut meets = false;
        let mut write = |batch: Projections| -> Result<(), Failure> {
            meets |= holds_something(&batch, &self.inputs.volume)?;
            Ok(writer.append(batch.values())?)
        };
        context.attempt_on_all("projection", |devices, control| match devices {
            [device] => pollster::block_on(task.run(device, control, &mut write)),
            several => task.run_on(several, control, &mut write),
        })?;
        interrupt::check()?;
        context.write(out, |_| writer.finish())?;
        Ok(meets)
    }

    /// The same as a whole.
    fn write_whole(&self, out: &Path, context: &mut Context) -> Result<bool, Failure> {
        let task = context.record(|| self.record())?;
        let outputs = context.run("projection", task.graph())?;
        let stack = task.finish(outputs)?;
        let meets = holds_something(&stack, &self.inputs.volume)?;
        context.write(out, |out| write_projections(out, &stack))?;
        Ok(meets)
    }
}

/// What to say where all rays go past a volume in which there is something.
fn missed(volume: &Volume) -> Option<String> {
    let nothing = if volume.unit() == Unit::Hounsfield { AIR_HU } else { 0.0 };
    let c = volume.grid().centre_mm();
    volume.values().iter().any(|&v| v > nothing).then(|| {
        format!(
            "no ray meets the volume: it lies around {},{},{} mm, the isocentre at 0,0,0; move it there with --grid {}",
            c.x,
            c.y,
            c.z,
            volume.grid().with_centre(DVec3::ZERO)
        )
    })
}

/// Whether a stack, or a batch of one, holds anything; values must be finite.
fn holds_something(stack: &Projections, volume: &Path) -> Result<bool, Failure> {
    stack
        .check_finite()
        .map_err(|error| Failure::input(format!("the values of {} are too large: {error}", volume.display())))?;
    Ok(stack.values().iter().any(|&v| v != 0.0))
}

/// Runs `kerma project`.
pub(crate) fn run(args: &ProjectArgs, context: &mut Context) -> Result<(), Failure> {
    check_projections_output(&args.out)?;
    inputs::keep(&[&args.inputs.volume, &args.inputs.geometry], &args.out)?;
    let loaded = args.inputs.load(context)?;
    inputs::check_room(&args.out, loaded.scanner.geometry.value_count())?;
    let meets = match context.parts_within(args.inputs.memory) {
        Some(memory_bytes) => loaded.write_in_batches(&args.out, memory_bytes, context)?,
        None => loaded.write_whole(&args.out, context)?,
    };
    if let Some(remark) = missed(&loaded.volume).filter(|_| !meets) {
        context.note(&remark);
    }
    let (geometry, kind) = (&loaded.scanner.geometry, loaded.scanner.scan.kind());
    let (views, [nu, nv]) = (geometry.views().len(), geometry.detector());
    context.measure("views", views);
    context.measure("detector", [nu, nv]);
    context.measure("kind", kind);
    context.finish(&format!("{}: {} of {nu}x{nv}, {kind}", args.out.display(), counted(views, "view")))
}
