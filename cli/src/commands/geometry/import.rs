use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{Args, ValueEnum};
use kerma::{
    geometry::{
        Geometry, Scan, Vectors,
        convert::{
            astra::{from_cone_vec, from_parallel3d_vec},
            leap::from_leap,
            rtk::from_rtk,
            tigre::{TigreGeometry, from_tigre},
        },
    },
    io::{
        check_file, read_astra_vectors, read_leap_parameters, read_rtk_geometry, read_tigre_geometry, read_trajectory,
        write_bytes,
    },
};

use super::program::Kind;
use crate::{context::Context, failure::Failure, inputs, summary::counted};

/// Arguments of `kerma geometry import`.
#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// File of another program, or a table
    geometry: PathBuf,
    /// What the file is, where its extension does not say
    #[arg(long, value_name = "KIND")]
    from: Option<Kind>,
    /// Columns and rows of the detector, which files of RTK and ASTRA and tables do not state
    #[arg(long, value_name = "NUxNV", value_parser = pair::<usize>)]
    detector: Option<[usize; 2]>,
    /// Distances between pixels along u and v in mm, which files of RTK and tables with directions u and v do not state
    #[arg(long, value_name = "DUxDV", value_parser = pair::<f64>)]
    pitch: Option<[f64; 2]>,
    /// Whether ASTRA's vectors are cone_vec or parallel3d_vec
    #[arg(long)]
    beam: Option<Beam>,
    /// ASTRA's unit of length in mm: the voxel's edge where its volume counts voxels [default: 1]
    #[arg(long, value_name = "MM")]
    voxel: Option<f64>,
    /// Geometry file to write: explicit views
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What twelve numbers of ASTRA are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Beam {
    /// cone_vec
    Cone,
    /// parallel3d_vec
    Parallel,
}

fn pair<T: FromStr>(text: &str) -> Result<[T; 2], String> {
    let both = text.split_once('x').and_then(|(u, v)| Some([u.parse().ok()?, v.parse().ok()?]));
    both.ok_or_else(|| format!("must be two numbers with an x between them, got {text}"))
}

/// Runs `kerma geometry import`.
pub(super) fn run(args: &ImportArgs, context: &mut Context) -> Result<(), Failure> {
    let kind = args.from.map_or_else(|| Kind::of(&args.geometry), Ok)?;
    args.check(kind)?;
    check_file(&args.out)?;
    inputs::keep(&[&args.geometry], &args.out)?;
    let geometry = args.read(kind, context)?;
    let text = Scan::from(Vectors::from(&geometry)).to_toml()?;
    context.write(&args.out, |out| write_bytes(out, text.as_bytes()))?;
    let views = geometry.views().len();
    context.measure("views", views);
    context.finish(&format!("{}: {}", args.out.display(), counted(views, "view")))
}

impl ImportArgs {
    /// Refuses options that say what the file says itself.
    fn check(&self, kind: Kind) -> Result<(), Failure> {
        use Kind::{Astra, Rtk, Table};
        let options = [
            ("--detector", self.detector.is_some(), &[Rtk, Astra, Table][..]),
            ("--pitch", self.pitch.is_some(), &[Rtk, Table]),
            ("--beam", self.beam.is_some(), &[Astra]),
            ("--voxel", self.voxel.is_some(), &[Astra]),
        ];
        match options.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&kind)) {
            Some((name, ..)) => {
                let message = format!("{name} does not go with {kind}; leave it out");
                Err(Failure::input(message).in_file(&self.geometry))
            }
            None => Ok(()),
        }
    }

    /// An option that says what the file does not.
    fn needed<T>(&self, value: Option<T>, what: &str) -> Result<T, Failure> {
        value.ok_or_else(|| Failure::input(format!("does not state {what}")).in_file(&self.geometry))
    }

    fn detector(&self) -> Result<[usize; 2], Failure> {
        self.needed(self.detector, "the size of its detector; give it with --detector NUxNV")
    }

    fn read(&self, kind: Kind, context: &mut Context) -> Result<Geometry, Failure> {
        let path: &Path = &self.geometry;
        let built = match kind {
            Kind::Rtk => {
                let detector = self.detector()?;
                let pitch_mm = self.needed(self.pitch, "the pitch of its pixels; give it with --pitch DUxDV")?;
                from_rtk(detector, pitch_mm, &context.read(|| read_rtk_geometry(path))?)
            }
            Kind::Astra => {
                let (detector, voxel_mm) = (self.detector()?, self.voxel.unwrap_or(1.0));
                let beam = self.needed(self.beam, "its beam; say it with --beam cone or --beam parallel")?;
                let rows = context.read(|| read_astra_vectors(path))?;
                match beam {
                    Beam::Cone => from_cone_vec(detector, &rows, voxel_mm),
                    Beam::Parallel => from_parallel3d_vec(detector, &rows, voxel_mm),
                }
            }
            Kind::Tigre => {
                let TigreGeometry { detector, pitch_mm, views } = context.read(|| read_tigre_geometry(path))?;
                from_tigre(detector, pitch_mm, &views)
            }
            Kind::Leap => from_leap(&context.read(|| read_leap_parameters(path))?),
            Kind::Table => {
                let detector = self.detector()?;
                Geometry::new(detector, context.read(|| read_trajectory(path, self.pitch))?)
            }
        };
        built.map_err(|error| Failure::from(error).in_file(path))
    }
}
