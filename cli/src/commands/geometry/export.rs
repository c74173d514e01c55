use std::path::PathBuf;

use clap::Args;
use kerma::{
    data::Grid,
    geometry::{
        Source,
        convert::{
            astra::{to_cone_vec, to_parallel3d_vec},
            leap::to_modular_beam,
            rtk::to_rtk,
            tigre::{TigreGeometry, to_tigre},
        },
    },
    io::{check_file, write_astra_vectors, write_leap_parameters, write_rtk_geometry, write_tigre_geometry},
};

use super::program::Program;
use crate::{
    context::Context,
    failure::Failure,
    inputs::{self, Scanner},
    summary::counted,
};

/// Arguments of `kerma geometry export`.
#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// Geometry file
    geometry: PathBuf,
    /// Program that shall read it
    #[arg(long = "for", value_name = "PROGRAM")]
    program: Program,
    /// Voxel grid, which LEAP's file needs and TIGRE's may have
    #[arg(long)]
    grid: Option<Grid>,
    /// ASTRA's unit of length in mm: the voxel's edge where its volume counts voxels [default: 1]
    #[arg(long, value_name = "MM")]
    voxel: Option<f64>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs `kerma geometry export`.
pub(super) fn run(args: &ExportArgs, context: &mut Context) -> Result<(), Failure> {
    args.check()?;
    check_file(&args.out)?;
    inputs::keep(&[&args.geometry], &args.out)?;
    let scanner = Scanner::read(&args.geometry, context)?;
    let form = args.write(&scanner, context)?;
    let geometry = &scanner.geometry;
    let (views, [columns, rows], [du, dv]) = (geometry.views().len(), geometry.detector(), geometry.pitch_mm());
    context.measure("views", views);
    context.measure("form", form);
    context.finish(&format!(
        "{}: {} as {form}, {columns} columns and {rows} rows of {du} x {dv} mm",
        args.out.display(),
        counted(views, "view")
    ))
}

impl ExportArgs {
    /// Refuses options of other programs and asks for what the program needs.
    fn check(&self) -> Result<(), Failure> {
        let refused = |message: &str| Err(Failure::input(message));
        match self.program {
            Program::Leap if self.grid.is_none() => {
                refused("LEAP's parameters hold a volume, too; give it with --grid")
            }
            Program::Astra | Program::Rtk if self.grid.is_some() => {
                refused("--grid goes with --for leap and --for tigre, whose files hold a volume")
            }
            Program::Rtk | Program::Tigre | Program::Leap if self.voxel.is_some() => {
                refused("--voxel goes with --for astra; the others count in mm")
            }
            _ => Ok(()),
        }
    }

    /// Writes the file and says what is in it.
    fn write(&self, scanner: &Scanner, context: &mut Context) -> Result<&'static str, Failure> {
        let geometry = &scanner.geometry;
        let refused = |error| Failure::from(error).in_file(&self.geometry);
        match self.program {
            Program::Astra => {
                let voxel_mm = self.voxel.unwrap_or(1.0);
                let (rows, form) = match geometry.views()[0].source {
                    Source::Point(_) => (to_cone_vec(geometry, voxel_mm), "cone_vec"),
                    Source::Direction(_) => (to_parallel3d_vec(geometry, voxel_mm), "parallel3d_vec"),
                };
                let rows = rows.map_err(refused)?;
                context.write(&self.out, |out| write_astra_vectors(out, &rows))?;
                Ok(form)
            }
            Program::Rtk => {
                let projections = to_rtk(geometry).map_err(refused)?;
                context.write(&self.out, |out| write_rtk_geometry(out, &projections))?;
                Ok("RTK geometry")
            }
            Program::Tigre => {
                let views = to_tigre(geometry).map_err(refused)?;
                let tigre = TigreGeometry { detector: geometry.detector(), pitch_mm: geometry.pitch_mm(), views };
                context.write(&self.out, |out| write_tigre_geometry(out, &tigre, self.grid.as_ref()))?;
                Ok("TIGRE geometry")
            }
            Program::Leap => {
                let beam = to_modular_beam(geometry).map_err(refused)?;
                let Some(grid) = &self.grid else { return Err(Failure::input("--grid is missing")) };
                context.write(&self.out, |out| write_leap_parameters(out, &beam, grid))?;
                Ok("LEAP modular beam")
            }
        }
    }
}
