//! Reconstruction of what is larger than the memory it may use.

use kerma::{
    data::{Unit, Volume},
    io::VolumeWriter,
    tasks::{FdkOptions, SlabwiseFdk, TaskError},
};

use super::{Method, ReconstructArgs, ReconstructInputs, redundancy_name};
use crate::{context::Context, failure::Failure, inputs::Scanner, interrupt, report::bytes, summary::counted};

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
        let unit = context.read(|| scanner.stream(&inputs.projections))?.unit();
        if !matches!(unit, Unit::LineIntegral | Unit::Arbitrary) {
            let error = TaskError::Unit { what: "projections", expected: "line integrals", got: unit };
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

    fn measure(&self, context: &mut Context) {
        context.measure("parts", self.task.parts());
        context.measure("views_together", self.task.views_together());
        context.measure("redundancy", redundancy_name(self.task.redundancy()));
    }
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
        [device] => {
            pollster::block_on(task.run(device, control, streamed.scanner.views_of(&inputs.projections), &mut write))
        }
        several => task.run_on(several, control, || streamed.scanner.views_of(&inputs.projections), &mut write),
    })?;
    interrupt::check()?;
    context.write(&args.out, |_| writer.finish())?;
    streamed.measure(context);
    context.measure("grid", inputs.grid.to_string());
    context.finish(&format!("{}: {}", args.out.display(), streamed.text()))
}
