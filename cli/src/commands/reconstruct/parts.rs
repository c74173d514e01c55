//! Reconstruction of what is larger than the memory it may use.

use std::{ops::Range, path::Path};

use kerma::{
    data::{Unit, Volume},
    io::{IoError, ProjectionStream, VolumeWriter},
    tasks::{FdkOptions, SlabwiseFdk, TaskError},
};

use super::{Method, ReconstructArgs, ReconstructInputs, redundancy_name};
use crate::{context::Context, failure::Failure, inputs::Scanner, interrupt, report::bytes, summary::counted};

/// Bytes of a text such as "2GB", "1.5GiB" or "512 MiB".
pub(super) fn memory(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 4] = [("GiB", 1073741824.0), ("MiB", 1048576.0), ("GB", 1e9), ("MB", 1e6)];
    let size = UNITS.into_iter().find_map(|(unit, bytes)| {
        let number = text.strip_suffix(unit)?.trim_end().parse::<f64>().ok()?;
        (number > 0.0 && number.is_finite()).then_some((number * bytes) as u64)
    });
    size.ok_or_else(|| format!("must be a number above 0 and MB, GB, MiB or GiB, got {text}"))
}

/// A task in parts and what it reads.
struct Streamed<'i> {
    inputs: &'i ReconstructInputs,
    scanner: Scanner,
    task: SlabwiseFdk,
}

impl<'i> Streamed<'i> {
    fn new(inputs: &'i ReconstructInputs, memory_bytes: u64, context: &mut Context) -> Result<Self, Failure> {
        if inputs.method != Method::Fdk {
            return Err(Failure::input("--memory and several devices work with --method fdk alone"));
        }
        inputs.iterations.check_absent()?;
        let scanner = Scanner::read(&inputs.geometry, context)?;
        let stream = context.read(|| open(&inputs.projections, &scanner))?;
        let geometry = &scanner.geometry;
        let shape = |views: usize, [nu, nv]: [usize; 2]| format!("{views} views of {nu}x{nv}");
        let expected = shape(geometry.views().len(), geometry.detector());
        let got = shape(stream.views(), stream.detector());
        if expected != got {
            return Err(scanner.blame(TaskError::Shape { expected, got }, &inputs.projections));
        }
        if !matches!(stream.unit(), Unit::LineIntegral | Unit::Arbitrary) {
            let error = TaskError::Unit { what: "projections", expected: "line integrals", got: stream.unit() };
            return Err(scanner.blame(error, &inputs.projections));
        }
        let ReconstructInputs { window, cutoff, margin, grid, .. } = inputs;
        let options = FdkOptions { window: *window, cutoff: *cutoff, margin: *margin, slice_mm: None };
        let devices = context.devices()?;
        let (count, limits) = (devices.len(), devices[0].limits());
        let memory_bytes = (count, memory_bytes / count as u64);
        let task = context.record(|| SlabwiseFdk::new(&scanner.scan, grid, options, memory_bytes, limits));
        let task = task.map_err(|error| scanner.blame(error, &inputs.projections))?;
        Ok(Self { inputs, scanner, task })
    }

    fn text(&self) -> String {
        let views = counted(self.scanner.geometry.views().len(), "view");
        let (parts, most) = (counted(self.task.parts(), "part"), self.task.views_together());
        format!("{parts} of {}, each from {views}, {most} at a time", self.inputs.grid)
    }

    /// What reads views; every part begins with the first ones again.
    fn reader(&self) -> impl FnMut(Range<usize>) -> Result<Vec<f32>, Failure> {
        let mut stream: Option<ProjectionStream> = None;
        move |views| {
            let mut from = match stream.take().filter(|stream| stream.next_view() <= views.start) {
                Some(stream) => stream,
                None => open(&self.inputs.projections, &self.scanner)?,
            };
            from.skip(views.start - from.next_view())?;
            let values = from.read(views.len())?;
            stream = Some(from);
            Ok(values)
        }
    }

    fn measure(&self, context: &mut Context) {
        context.measure("parts", self.task.parts());
        context.measure("views_together", self.task.views_together());
        context.measure("redundancy", redundancy_name(self.task.redundancy()));
    }
}

fn open(path: &Path, scanner: &Scanner) -> Result<ProjectionStream, IoError> {
    ProjectionStream::open(path, Some(scanner.geometry.pitch_mm()))
}

/// Prints how it would be divided.
pub(super) fn plan(inputs: &ReconstructInputs, memory_bytes: u64, context: &mut Context) -> Result<(), Failure> {
    let streamed = Streamed::new(inputs, memory_bytes, context)?;
    streamed.measure(context);
    context.answer(format!("{} within {}\n", streamed.text(), bytes(memory_bytes)))
}

/// Runs it.
pub(super) fn run(args: &ReconstructArgs, memory_bytes: u64, context: &mut Context) -> Result<(), Failure> {
    let streamed = Streamed::new(&args.inputs, memory_bytes, context)?;
    let Streamed { inputs, task, .. } = &streamed;
    if let Some(remark) = task.redundancy().remark() {
        context.note(&remark);
    }
    let unit = if inputs.mu_water.is_some() { Unit::Hounsfield } else { Unit::PerMillimetre };
    let mut writer = VolumeWriter::create(&args.out, &inputs.grid, unit)?;
    let mut write = |part: Volume| -> Result<(), Failure> {
        part.check_finite().map_err(Failure::input)?;
        let part = inputs.in_unit(part);
        Ok(writer.append(part.values())?)
    };
    context.attempt_on_all(&format!("a reconstruction on {}", inputs.grid), |devices, control| match devices {
        [device] => pollster::block_on(task.run(device, control, streamed.reader(), &mut write)),
        several => task.run_on(several, control, || streamed.reader(), &mut write),
    })?;
    interrupt::check()?;
    context.write(&args.out, |_| writer.finish())?;
    streamed.measure(context);
    context.measure("grid", inputs.grid.to_string());
    context.finish(&format!("{}: {}", args.out.display(), streamed.text()))
}
