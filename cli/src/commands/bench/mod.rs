//! Times the CPU twins against the GPU, per hot path.

mod path;
mod stopwatch;
mod table;

use clap::Args;
use kerma::engine::{Device, Progress};

use self::{path::HotPath, stopwatch::measure, table::Row};
use crate::{
    context::{Bar, Context},
    failure::Failure,
};

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
}

/// Runs `kerma bench`.
pub(crate) fn run(args: &BenchArgs, context: &mut Context) -> Result<(), Failure> {
    let paths = if args.paths.is_empty() { HotPath::ALL.to_vec() } else { args.paths.clone() };
    let cpu = context.cpu();
    let gpu: Option<&Device> = Some(context.device()?).filter(|device| device.adapter().is_some());
    let bar = Bar::new("bench", context.options().quiet);
    let mut rows = Vec::with_capacity(paths.len());
    for (index, path) in paths.iter().enumerate() {
        bar.show(Progress { pass: path.label(), fraction: index as f64 / paths.len() as f64 });
        let row = path.inputs()?.with_graph(*path, |graph| {
            let cpu = measure(&cpu, graph, args.runs)?;
            let gpu = gpu.map(|gpu| measure(gpu, graph, args.runs)).transpose()?;
            Ok(Row::new(*path, cpu, gpu))
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
