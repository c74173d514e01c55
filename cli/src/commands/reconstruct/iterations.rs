//! Options of iterative reconstructions, and what is written and said of their course.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use kerma::{
    data::{Unit, Volume},
    io::{write_bytes, write_volume, writes_dicom},
    kernels::project::Sampling,
    tasks::{
        Backprojector, WATER_PER_MM,
        iterative::{Algorithm, Ending, Iterate, Iterated, Iterative, IterativeOptions, SubsetOrder, Weights},
    },
};
use serde_json::json;

use super::{Loaded, Method, page, positive};
use crate::{context::Context, failure::Failure, inputs, interrupt, report::significant, summary::counted};

/// Subsets of os-sart and osem, if nothing is said.
const SUBSETS: usize = 8;
/// Iterations, if nothing is said.
const ITERATIONS: usize = 10;
/// Mean of the voxels at the grid's sides, over that of all, that is worth a word.
const BORDER: f64 = 0.5;
/// Share of what was measured beside the volume that is worth a word.
const MISSED: f64 = 0.01;

/// Options of iterative methods.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Iterative methods")]
pub(super) struct IterationArgs {
    /// Times that all views are used [default: 10]
    #[arg(long, value_name = "COUNT")]
    iterations: Option<usize>,
    /// Share of a step that is taken, above 0 and below 2; sirt and os-sart [default: 1]
    #[arg(long, value_name = "LAMBDA")]
    relaxation: Option<f64>,
    /// Subsets of the views; sirt, os-sart, mlem and osem [default: 8 for os-sart and osem, else 1]
    #[arg(long, value_name = "COUNT")]
    subsets: Option<usize>,
    /// Order in which subsets are used [default: apart]
    #[arg(long, value_enum)]
    subset_order: Option<Order>,
    /// How rays sample the volume [default: joseph]
    #[arg(long, value_enum)]
    projector: Option<Projector>,
    /// How voxels take from pixels [default: the projector's exact adjoint]
    #[arg(long, value_enum)]
    backprojector: Option<Gather>,
    /// Least value of a voxel, in 1/mm: 0 for what cannot be negative; sirt, os-sart and fista-tv
    #[arg(long, value_name = "MU", allow_negative_numbers = true)]
    min: Option<f32>,
    /// Largest value of a voxel, in 1/mm; sirt, os-sart and fista-tv
    #[arg(long, value_name = "MU", allow_negative_numbers = true)]
    max: Option<f32>,
    /// Change only voxels where this volume, on the same grid, is not 0; not fista-tv
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// Begin with this volume on the same grid in the place of an empty one; sirt, os-sart, mlem and osem go on as if never ended
    #[arg(long, value_name = "FILE")]
    start: Option<PathBuf>,
    /// How rays count: all alike, or by the share of photons that come through; sirt and os-sart [default: even]
    #[arg(long, value_enum)]
    weights: Option<Counting>,
    /// Weight of the total variation ∫|∇µ| dV, in 1/mm, against half the sum of squares; fista-tv, which needs it
    #[arg(long, value_name = "WEIGHT", value_parser = positive)]
    tv_weight: Option<f64>,
    /// Stop when what is left is this share of what was measured
    #[arg(long, value_name = "SHARE")]
    stop_residual: Option<f64>,
    /// Stop when what is left falls by less than this share in an iteration
    #[arg(long, value_name = "SHARE")]
    stop_change: Option<f64>,
    /// Also write the volume after every so many iterations, with their number in its name
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    save_every: Option<u32>,
    /// Volume that is sought, on the same grid: tells the error of every iteration
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Also write a self-contained page: the course of the iterations, and the volume
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,
}

/// Order of subsets.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Order {
    /// Each next subset as far from the last ones as can be
    Apart,
    /// First to last
    Ascending,
}

/// How rays sample the volume.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Projector {
    /// Bilinear interpolation in the slices of each ray's main axis
    Joseph,
    /// Exact lengths through box-shaped voxels
    Siddon,
    /// Trilinear interpolation at samples half the smallest spacing apart
    Trilinear,
}

/// How voxels take from pixels.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Gather {
    /// By the weights of Joseph's projector
    Joseph,
    /// By the lengths of Siddon's
    Siddon,
    /// By the weights of the trilinear one
    Trilinear,
    /// Each from the four pixels where its centre is seen: faster, and not for cgls
    VoxelDriven,
}

/// How rays count.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Counting {
    /// All alike
    Even,
    /// By the share of photons that come through, exp(−p)
    Counts,
}

impl IterationArgs {
    /// Refuses options of iterations for a method that has none.
    pub(super) fn check_absent(&self) -> Result<(), Failure> {
        let given = [
            ("--iterations", self.iterations.is_some()),
            ("--relaxation", self.relaxation.is_some()),
            ("--subsets", self.subsets.is_some()),
            ("--subset-order", self.subset_order.is_some()),
            ("--projector", self.projector.is_some()),
            ("--backprojector", self.backprojector.is_some()),
            ("--min", self.min.is_some()),
            ("--max", self.max.is_some()),
            ("--mask", self.mask.is_some()),
            ("--start", self.start.is_some()),
            ("--weights", self.weights.is_some()),
            ("--tv-weight", self.tv_weight.is_some()),
            ("--stop-residual", self.stop_residual.is_some()),
            ("--stop-change", self.stop_change.is_some()),
            ("--save-every", self.save_every.is_some()),
            ("--reference", self.reference.is_some()),
            ("--report", self.report.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((flag, _)) => {
                Err(Failure::input(format!("{flag} is for iterative methods: say --method sirt, cgls, … or leave it")))
            }
        }
    }

    fn options(&self, method: Method) -> Result<IterativeOptions, Failure> {
        let refused = |flag: &str, methods: &str| Err(Failure::input(format!("{flag} is for {methods}")));
        if self.relaxation.is_some() && !matches!(method, Method::Sirt | Method::OsSart) {
            return refused("--relaxation", "sirt and os-sart");
        }
        if self.tv_weight.is_some() && method != Method::FistaTv {
            return refused("--tv-weight", "fista-tv");
        }
        let algorithm = match method {
            Method::Fdk | Method::Fourier | Method::Sirt | Method::OsSart => {
                Algorithm::Sirt { relaxation: self.relaxation.unwrap_or(1.0) }
            }
            Method::Cgls => Algorithm::Cgls,
            Method::Mlem | Method::Osem => Algorithm::Mlem,
            Method::FistaTv => match self.tv_weight {
                Some(weight_per_mm) => Algorithm::FistaTv { weight_per_mm },
                None => {
                    let why = "fista-tv needs --tv-weight, in 1/mm: larger ones smooth more, 0.001 to 1 is usual";
                    return Err(Failure::input(why));
                }
            },
        };
        let projector = self.projector.unwrap_or(Projector::Joseph);
        let gather = self.backprojector.unwrap_or(match projector {
            Projector::Joseph => Gather::Joseph,
            Projector::Siddon => Gather::Siddon,
            Projector::Trilinear => Gather::Trilinear,
        });
        let usual = IterativeOptions::new(algorithm);
        let has_subsets = matches!(method, Method::OsSart | Method::Osem);
        Ok(IterativeOptions {
            iterations: self.iterations.unwrap_or(ITERATIONS),
            projector: match projector {
                Projector::Joseph => Sampling::Joseph,
                Projector::Siddon => Sampling::Siddon,
                Projector::Trilinear => Sampling::Trilinear,
            },
            backprojector: match gather {
                Gather::Joseph => Backprojector::Joseph,
                Gather::Siddon => Backprojector::Siddon,
                Gather::Trilinear => Backprojector::Trilinear,
                Gather::VoxelDriven => Backprojector::VoxelDriven,
            },
            subsets: self.subsets.unwrap_or(if has_subsets { SUBSETS } else { 1 }),
            order: match self.subset_order {
                None | Some(Order::Apart) => SubsetOrder::Apart,
                Some(Order::Ascending) => SubsetOrder::Ascending,
            },
            weights: match self.weights {
                None | Some(Counting::Even) => Weights::Even,
                Some(Counting::Counts) => Weights::Counts,
            },
            bounds: [self.min.unwrap_or(usual.bounds[0]), self.max.unwrap_or(usual.bounds[1])],
            stop_residual: self.stop_residual,
            stop_change: self.stop_change,
            ..usual
        })
    }
}

impl Loaded<'_> {
    /// The task, with the volumes that it is given.
    pub(super) fn iterative(&self, context: &mut Context) -> Result<Iterative<'_>, Failure> {
        let args = &self.inputs.iterations;
        let options = args.options(self.inputs.method)?;
        let (geometry, grid) = (&self.scanner.geometry, &self.inputs.grid);
        let water = self.inputs.mu_water.unwrap_or(WATER_PER_MM.into());
        let mut read = |path: &Path| {
            let volume = inputs::volume_on(path, *grid, context)?;
            Ok::<_, Failure>(match volume.unit() {
                // A file that does not say its unit holds what kerma writes.
                Unit::Arbitrary => volume.with_unit(Unit::PerMillimetre),
                _ => volume.to_attenuation(water),
            })
        };
        let mut task = Iterative::new(&self.projections, geometry, grid, options)
            .map_err(|error| self.scanner.blame(error, &self.inputs.projections))?;
        if let Some(path) = &args.mask {
            task = task.within(&read(path)?).map_err(|error| Failure::from(error).in_file(path))?;
        }
        if let Some(path) = &args.start {
            task = task.from_volume(read(path)?).map_err(|error| Failure::from(error).in_file(path))?;
        }
        if let Some(path) = &args.reference {
            task = task.compared_with(read(path)?).map_err(|error| Failure::from(error).in_file(path))?;
        }
        Ok(task)
    }

    /// Iterates; Ctrl-C leaves the last volume under a name of its own.
    pub(super) fn iterated(&self, out: &Path, context: &mut Context) -> Result<Volume, Failure> {
        let args = &self.inputs.iterations;
        let task = self.iterative(context)?;
        let every = args.save_every.map(|every| every as usize);
        let (mut saved, mut failed) = (Vec::new(), None);
        let mut observer = |iterate: &Iterate, volume: Option<&Volume>| {
            let Some(volume) = volume else { return ControlFlow::Continue(()) };
            let path = numbered(out, iterate.number);
            match write_volume(&path, &self.inputs.in_unit(volume.clone())) {
                Ok(()) => {
                    saved.push(path);
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        let what = format!("iterations on {}", self.inputs.grid);
        let iterated: Iterated = context.attempt(&what, |device, control| {
            Ok(pollster::block_on(task.observed(device, control, every, &mut observer))?)
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        context.raise_peak(iterated.held);
        let last = iterated.history.len();
        if iterated.ending == Ending::Stopped {
            let path = numbered(out, last);
            let volume = self.inputs.in_unit(iterated.volume);
            interrupt::patient(|| context.write(&path, |path| write_volume(path, &volume)))?;
            context.note(&format!("{}: the volume after {}", path.display(), counted(last, "iteration")));
            return Err(Failure::Interrupted);
        }
        self.remark(&iterated, context);
        saved.iter().for_each(|path: &PathBuf| context.wrote(path));
        let course = iterated.history.iter().zip(&iterated.runs).map(|(of, run)| {
            let passes = &run.passes;
            let computing =
                (!passes.is_empty()).then(|| passes.iter().map(|pass| pass.time.as_secs_f64()).sum::<f64>());
            json!({
                "iteration": of.number,
                "residual_before": of.residual,
                "rmse_per_mm": of.error_per_mm,
                "seconds": run.total.as_secs_f64(),
                "computing_seconds": computing,
            })
        });
        context.measure("iterations", course.collect::<Vec<_>>());
        context.measure("residual", iterated.residual);
        context.measure("ending", if iterated.ending == Ending::Rule { "rule" } else { "iterations" });
        context.measure("missed", iterated.missed);
        context.measure("border", iterated.border);
        self.course.replace(Some((iterated.history, iterated.residual)));
        Ok(iterated.volume)
    }

    fn remark(&self, iterated: &Iterated, context: &Context) {
        if iterated.missed > MISSED {
            context.note(&format!(
                "{} % of what was measured lies on rays that miss the volume: the object is larger than the grid, and what is \
                 beside it is spread over the volume",
                significant(100.0 * iterated.missed, 2)
            ));
        }
        if iterated.border > BORDER {
            context.note(&format!(
                "voxels at the sides of the grid hold {} % of the mean of all: the object goes on beyond the grid, and what is \
                 there is heaped up at its sides",
                significant(100.0 * iterated.border, 2)
            ));
        }
        if iterated.negative > 0 {
            context.note(&format!("{} below 0 counted as 0", counted(iterated.negative, "line integral")));
        }
        if iterated.ending == Ending::Rule {
            context.note(&format!("stopped by its rule after {}", counted(iterated.history.len(), "iteration")));
        }
    }

    /// Writes the page, if one is asked for.
    pub(super) fn report(&self, volume: &Volume, context: &mut Context) -> Result<(), Failure> {
        let (Some(path), Some((history, residual))) = (&self.inputs.iterations.report, self.course.take()) else {
            return Ok(());
        };
        let self_test = context.device()?.self_test().summary();
        let summary = context.summary().for_page(self_test);
        let page = page::report(volume, &self.scanner.geometry, (&history, residual), summary).to_html();
        context.write(path, |path| write_bytes(path, page.as_bytes()))
    }
}

/// The name of a file with the number of an iteration before its ending.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem_end = match name.to_ascii_lowercase().strip_suffix(".nii.gz") {
        Some(stem) => stem.len(),
        None => name.rfind('.').unwrap_or(name.len()),
    };
    let (stem, ending) = name.split_at(stem_end);
    // A folder of slices stays one.
    let slash = if writes_dicom(path) { "/" } else { "" };
    path.with_file_name(format!("{stem}.iteration-{number:04}{ending}{slash}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_ending() {
        for (name, expected) in [
            ("out/a.nii.gz", "out/a.iteration-0012.nii.gz"),
            ("slices/", "slices.iteration-0012/"),
            ("a.b.nrrd", "a.b.iteration-0012.nrrd"),
            ("a.NII.GZ", "a.iteration-0012.NII.GZ"),
        ] {
            assert_eq!(numbered(Path::new(name), 12), Path::new(expected));
        }
    }
}
