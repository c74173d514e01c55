//! Times the CPU twins against the GPU, per hot path.

mod path;
mod stopwatch;
mod table;

use clap::{Args, ValueEnum};
use kerma::engine::{Device, Progress};

use self::{
    path::{HotPath, Size},
    stopwatch::measure,
    table::Row,
};
use crate::{
    context::{Bar, Context},
    failure::Failure,
};

/// Sizes of what is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sizes {
    /// 128³ voxels, 64 or 180 views of 192², radiographs of 4000²
    Small,
    /// 256³ voxels, 180 or 360 views of 384², radiographs of 8000²
    Large,
    /// Volumes alone: 64³, 128³, 256³ and 512³ voxels, 64 or 180 views of 96² to 768²; what an output costs as they grow
    Growth,
}

impl Sizes {
    fn of(self, path: HotPath) -> Vec<Size> {
        match self {
            Self::Small => vec![Size::SMALL],
            Self::Large => vec![Size::LARGE],
            Self::Growth if path.is_of_volumes() => [64, 128, 256, 512].map(Size::of_side).into(),
            Self::Growth => Vec::new(),
        }
    }
}

/// Arguments of `kerma bench`.
#[derive(Args, Debug)]
#[command(after_help = "`--device cpu` leaves the GPU out; `--device gpu:N` chooses one, even a software adapter.")]
pub(crate) struct BenchArgs {
    /// Hot paths to time; all when none is named
    #[arg(value_enum, value_name = "PATH")]
    paths: Vec<HotPath>,
    /// Runs per hot path and device, of which the median counts; one more before them is not timed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// How much is computed
    #[arg(long, value_enum, default_value_t = Sizes::Small)]
    size: Sizes,
}

/// Runs `kerma bench`.
pub(crate) fn run(args: &BenchArgs, context: &mut Context) -> Result<(), Failure> {
    let paths = if args.paths.is_empty() { HotPath::ALL.to_vec() } else { args.paths.clone() };
    let cpu = context.cpu();
    let gpu: Option<&Device> = Some(context.device()?).filter(|device| device.adapter().is_some());
    let bar = Bar::new("bench", context.options().quiet);
    let jobs: Vec<(HotPath, Size)> =
        paths.iter().flat_map(|path| args.size.of(*path).into_iter().map(|size| (*path, size))).collect();
    let mut rows = Vec::with_capacity(jobs.len());
    for (index, (path, size)) in jobs.iter().enumerate() {
        bar.show(Progress { pass: &path.label(*size), fraction: index as f64 / jobs.len() as f64 });
        let row = path.inputs(*size)?.with_graph(*path, |graph| {
            let cpu = measure(&cpu, graph, args.runs)?;
            let gpu = gpu.map(|gpu| measure(gpu, graph, args.runs)).transpose()?;
            Ok(Row::new(*path, *size, cpu, gpu))
        })?;
        rows.push(row);
    }
    drop(bar);
    context.explain();
    let adapter = gpu.and_then(Device::adapter).map(|adapter| adapter.name.clone());
    let text = table::text(&rows, adapter.as_deref());
    context.measure("bench", &rows);
    context.measure("runs", args.runs);
    context.answer(text)
}
