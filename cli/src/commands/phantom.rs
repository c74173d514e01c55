use std::path::PathBuf;

use clap::{Args, builder::PossibleValuesParser};
use kerma::{
    data::Grid,
    io::{DicomAttributes, check_output, check_projections_output, write_projections, write_volume_with},
    phantom::{NAMES, by_name},
};

use crate::{context::Context, failure::Failure, inputs::Scanner, summary::counted};

const EXAMPLES: &str = "\
Examples:
  kerma phantom chest --grid 256x192x256@1.5x1.5x1.5 --out chest.nii.gz
  kerma phantom shepp-logan --project scan.toml --out exact.nrrd";

/// Arguments of `kerma phantom`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PhantomArgs {
    /// Name of the phantom
    #[arg(value_parser = PossibleValuesParser::new(NAMES))]
    name: String,
    /// Voxel grid, NXxNYxNZ@SXxSYxSZ[+OX,OY,OZ]
    #[arg(long, required_unless_present = "project", conflicts_with = "project")]
    grid: Option<Grid>,
    /// Write exact projections in this geometry instead of a volume
    #[arg(long, value_name = "GEOMETRY")]
    project: Option<PathBuf>,
    /// File to write, or a folder for DICOM slices, DIR/
    #[arg(long, value_name = "FILE|DIR/")]
    out: PathBuf,
    /// Variant of a phantom that is drawn at random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Samples along each side of a voxel that a surface crosses, 1 to 16
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    supersample: u8,
}

/// Runs `kerma phantom`. Phantoms are computed in closed form on the host, whatever the device.
pub(crate) fn run(args: &PhantomArgs, context: &mut Context) -> Result<(), Failure> {
    match args.project {
        Some(_) => check_projections_output(&args.out)?,
        None => check_output(&args.out)?,
    }
    let phantom = by_name(&args.name, args.seed)?;
    let shape = match (&args.project, &args.grid) {
        (Some(path), _) => {
            let geometry = Scanner::read(path, context)?.geometry;
            context.hold("the stack of projections", geometry.value_count())?;
            let stack = context.compute(|| phantom.project(&geometry))?;
            context.write(&args.out, |out| write_projections(out, &stack))?;
            let [nu, nv] = stack.detector();
            format!("{} of {nu}x{nv}", counted(stack.views(), "view"))
        }
        (None, Some(grid)) => {
            context.hold(&format!("a volume on {grid}"), grid.voxel_count())?;
            let volume = context.compute(|| phantom.voxelise(grid, usize::from(args.supersample)));
            let attributes = DicomAttributes { simulated: true, ..DicomAttributes::default() };
            context.write(&args.out, |out| write_volume_with(out, &volume, &attributes))?;
            grid.to_string()
        }
        (None, None) => return Err(Failure::input("phantom needs --grid or --project")),
    };
    context.measure("phantom", &args.name);
    context.measure("shape", &shape);
    context.finish(&format!("{}: {}, {shape}", args.out.display(), args.name))
}
