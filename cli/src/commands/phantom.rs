use std::path::PathBuf;

use clap::{Args, builder::PossibleValuesParser};
use kerma::{
    data::Grid,
    geometry::Scan,
    io::{check_output, write_projections, write_volume},
    phantom::{NAMES, by_name},
};

use crate::{context::Context, failure::Failure};

/// Arguments of `kerma phantom`.
#[derive(Args, Debug)]
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
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Variant of a phantom that is drawn at random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Samples along each side of a voxel that a surface crosses
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    supersample: u8,
}

/// Runs `kerma phantom`. Phantoms are computed in closed form on the host, whatever the device.
pub(crate) fn run(args: &PhantomArgs, context: &mut Context) -> Result<(), Failure> {
    check_output(&args.out)?;
    let phantom = by_name(&args.name, args.seed)?;
    let what = match (&args.project, &args.grid) {
        (Some(path), _) => {
            let geometry = context.read(|| Scan::read(path)?.build())?;
            context.hold("the projections", geometry.value_count())?;
            let stack = context.compute(|| phantom.project(&geometry))?;
            context.write(&args.out, |out| write_projections(out, &stack))?;
            let [nu, nv] = stack.detector();
            format!("{} views of {nu}x{nv}", stack.views())
        }
        (None, Some(grid)) => {
            context.hold("the phantom", grid.voxel_count())?;
            let volume = context.compute(|| Ok::<_, Failure>(phantom.voxelise(grid, usize::from(args.supersample))))?;
            context.write(&args.out, |out| write_volume(out, &volume))?;
            grid.to_string()
        }
        (None, None) => return Err(Failure::input("phantom needs --grid or --project")),
    };
    context.measure("shape", &what);
    context.finish(&format!("{}: {}, {what}", args.out.display(), args.name))
}
