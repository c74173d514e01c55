//! What every command works with: the device, progress, Ctrl-C, times and memory.

use std::{
    cell::{Cell, OnceCell},
    fmt::Display,
    io::{IsTerminal, Write as _, stderr, stdout},
    path::Path,
    time::Instant,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kerma::{
    data::{Grid, Image, ImageInfo, Volume},
    engine::{Choice, Control, Device, Error, Graph, Kind, Outputs, PeakBytes, Plan, Progress},
    io::{IoError, cancellable, read_frame, read_series},
};
use serde::Serialize;
use sysinfo::System;

use crate::{
    args::GlobalArgs,
    failure::Failure,
    interrupt,
    summary::{Summary, bytes_text},
};

/// Steps of a progress bar.
const BAR_STEPS: u64 = 1000;

/// The device a command computes on, and the account of what it did.
///
/// The device is opened when it is first asked for, so that commands which need none never touch a driver.
pub(crate) struct Context {
    options: GlobalArgs,
    devices: OnceCell<Vec<Device>>,
    /// Memory that was free before anything was read.
    available_bytes: u64,
    /// Why the CPU computes although `auto` was asked for; said when it begins to.
    fallback: Cell<Option<String>>,
    summary: Summary,
    stages: Vec<(String, f64)>,
}

impl Context {
    /// Context of one command.
    pub(crate) fn new(options: GlobalArgs) -> Self {
        Self {
            options,
            devices: OnceCell::new(),
            available_bytes: available_bytes(),
            fallback: Cell::new(None),
            summary: Summary::new(),
            stages: Vec::new(),
        }
    }

    /// The global flags.
    pub(crate) fn options(&self) -> &GlobalArgs {
        &self.options
    }

    /// The account so far.
    pub(crate) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Every run so far with the seconds it took.
    pub(crate) fn stages(&self) -> &[(String, f64)] {
        &self.stages
    }

    /// Memory that was free when the command began, in bytes.
    pub(crate) fn available_bytes(&self) -> u64 {
        self.available_bytes
    }

    /// Memory for work in parts, where one is asked for or several devices share it.
    pub(crate) fn parts_within(&self, memory_bytes: Option<u64>) -> Option<u64> {
        memory_bytes.or_else(|| (self.options.device.len() > 1).then_some(self.available_bytes))
    }

    /// The device that `--device` chooses.
    pub(crate) fn device(&self) -> Result<&Device, Failure> {
        match self.devices()? {
            [device] => Ok(device),
            several => Err(Failure::input(format!(
                "--device names {} devices: project, and reconstruct with --method fdk, work on several, all else on one",
                several.len()
            ))),
        }
    }

    /// The devices that `--device` chooses, one at least.
    pub(crate) fn devices(&self) -> Result<&[Device], Failure> {
        if let Some(devices) = self.devices.get() {
            return Ok(devices);
        }
        let chosen = &self.options.device;
        if chosen.iter().enumerate().any(|(n, choice)| chosen[..n].contains(choice)) {
            return Err(Failure::input("--device names a device twice"));
        }
        let devices = chosen.iter().map(|choice| self.open(*choice)).collect::<Result<_, _>>()?;
        Ok(self.devices.get_or_init(|| devices))
    }

    /// The CPU backend with the memory there is.
    pub(crate) fn cpu(&self) -> Device {
        Device::cpu().with_memory_budget(self.available_bytes)
    }

    fn open(&self, choice: Choice) -> Result<Device, Failure> {
        let device = pollster::block_on(Device::open(choice, self.options.numerics))?;
        if device.adapter().is_some() {
            return Ok(device);
        }
        if choice == Choice::Auto {
            self.fallback.set(Some(match device.refusals() {
                [] => "no GPU found, computing on the CPU".to_owned(),
                [refusal, ..] => format!("computing on the CPU: {refusal}"),
            }));
        }
        Ok(device.with_memory_budget(self.available_bytes))
    }

    /// Accounts for `count` values computed on the host without the engine; refuses what does not fit.
    pub(crate) fn hold(&mut self, what: &str, count: usize) -> Result<(), Failure> {
        let host = count as u64 * size_of::<f32>() as u64;
        self.check_room(what, host)?;
        self.summary.raise_peak(PeakBytes { host, device: 0 });
        Ok(())
    }

    /// Refuses what does not fit into the memory that was free, before it is allocated.
    fn check_room(&self, what: &str, needed_bytes: u64) -> Result<(), Failure> {
        let free_bytes = self.available_bytes;
        if needed_bytes <= free_bytes {
            return Ok(());
        }
        let (needed, free) = (bytes_text(needed_bytes), bytes_text(free_bytes));
        Err(Failure::input(format!(
            "{what} needs {needed} of host memory ({needed_bytes} bytes), {free} are free ({free_bytes} bytes)"
        )))
    }

    /// Reads inputs, and counts the time.
    pub(crate) fn read<T, E: Into<Failure>>(&mut self, work: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
        timed(&mut self.summary.seconds.read, || work().map_err(Into::into))
    }

    /// Reads a volume; of a study with several series the one that --series chooses.
    pub(crate) fn read_volume(&mut self, path: &Path, grid: Option<Grid>) -> Result<Volume, Failure> {
        let series = self.options.series;
        self.read(|| read_series(path, series, grid))
    }

    /// Reads a radiograph; of a file with several frames the one that --frame chooses.
    pub(crate) fn read_image(&mut self, path: &Path) -> Result<(Image, ImageInfo), Failure> {
        let frame = self.options.frame;
        self.read(|| read_frame(path, frame))
    }

    /// Computes on the host without the engine, and counts the time.
    pub(crate) fn compute<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.summary.seconds.run, work)
    }

    /// Records a task, and counts the time as planning.
    pub(crate) fn record<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.summary.seconds.plan, work)
    }

    /// Plans a graph for the device; `what` names it in errors.
    pub(crate) fn plan<'g, 'a>(&mut self, what: &str, graph: &'g Graph<'a>) -> Result<Plan<'g, 'a>, Failure> {
        let limits = self.device()?.limits();
        let plan = timed(&mut self.summary.seconds.plan, || Plan::new(graph, limits));
        let plan = plan.map_err(|error| match error {
            Error::MemoryBudget { needed_bytes, .. } if limits.host_memory => {
                self.check_room(what, needed_bytes).err().unwrap_or_else(|| error.into())
            }
            error => error.into(),
        })?;
        let PeakBytes { host, device } = plan.peak_bytes();
        // Such adapters have no memory of their own.
        let kind = self.device()?.adapter().map(|adapter| adapter.kind);
        let shares_memory = matches!(kind, Some(Kind::Integrated | Kind::Software));
        self.check_room(what, host + if shares_memory { device } else { 0 })?;
        self.summary.raise_peak(plan.peak_bytes());
        Ok(plan)
    }

    /// Plans and runs a graph under a progress bar; Ctrl-C ends it.
    pub(crate) fn run(&mut self, what: &str, graph: &Graph<'_>) -> Result<Outputs, Failure> {
        let plan = self.plan(what, graph)?;
        let outputs = self.drive(what, |device, control| Ok(pollster::block_on(device.run(&plan, control))?))?;
        self.summary.add_queue(outputs.report.counts, plan.staging_bytes());
        Ok(outputs)
    }

    /// Does work on the device under a progress bar, and counts the time; Ctrl-C ends it.
    pub(crate) fn drive<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&Device, &Control<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let result = self.attempt(what, work)?;
        interrupt::check()?;
        Ok(result)
    }

    /// The same for work that has something to show when Ctrl-C ends it.
    pub(crate) fn attempt<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&Device, &Control<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.device()?;
        self.attempt_on_all(what, |devices, control| work(&devices[0], control))
    }

    /// The same on all devices that were chosen.
    pub(crate) fn attempt_on_all<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&[Device], &Control<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let devices = self.devices()?;
        self.explain();
        let bar = Bar::new(what, self.options.quiet);
        let control = Control { progress: &|progress| bar.show(progress), is_cancelled: &interrupt::is_asked };
        let start = Instant::now();
        let result = interrupt::orderly(|| work(devices, &control))?;
        self.add_run(what, start.elapsed().as_secs_f64());
        self.settle();
        Ok(result)
    }

    /// Counts the time of work on the device.
    pub(crate) fn add_run(&mut self, what: &str, seconds: f64) {
        self.summary.seconds.run += seconds;
        self.stages.push((what.to_owned(), seconds));
    }

    /// Accounts for what work outside plans held at its fullest.
    pub(crate) fn raise_peak(&mut self, peak: PeakBytes) {
        self.summary.raise_peak(peak);
    }

    /// Writes an output, and counts the time; Ctrl-C ends it. The writer must be one that never leaves half a file.
    pub(crate) fn write<E: Into<Failure>>(
        &mut self,
        path: &Path,
        writer: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), Failure> {
        let work = || cancellable(interrupt::is_asked, || writer(path)).map_err(Into::into);
        timed(&mut self.summary.seconds.write, || interrupt::orderly(work))?;
        self.summary.add_output(path);
        Ok(())
    }

    /// Accounts for an output that is already written.
    pub(crate) fn wrote(&mut self, path: &Path) {
        self.summary.add_output(path);
    }

    /// Writes a file that has yet to be put in its place, by which errors and the summary name it.
    pub(crate) fn write_draft(
        &mut self,
        draft: &Path,
        place: &Path,
        writer: impl FnOnce(&Path) -> Result<(), IoError>,
    ) -> Result<(), Failure> {
        self.write(place, |_| writer(draft)).map_err(|failure| match failure {
            Failure::Input(message) => {
                Failure::Input(message.replace(&*draft.to_string_lossy(), &place.to_string_lossy()))
            }
            other => other,
        })
    }

    /// Adds what the command measured to the summary.
    pub(crate) fn measure(&mut self, key: &str, value: impl Serialize) {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.summary.measured.insert(key.to_owned(), value);
    }

    /// Says something on standard error that is no error; nothing when quiet.
    pub(crate) fn note(&self, line: &str) {
        if !self.options.quiet {
            let _ = writeln!(stderr(), "kerma: {line}");
        }
    }

    /// Says, once, why the CPU computes although a GPU might have.
    pub(crate) fn explain(&self) {
        if let Some(reason) = self.fallback.take() {
            self.note(&reason);
        }
    }

    /// Ends a command that wrote files: the object for scripts, or a headline and one line of account for people.
    pub(crate) fn finish(&mut self, headline: &str) -> Result<(), Failure> {
        match self.options.json || self.options.quiet {
            true => self.answer(""),
            false => {
                self.settle();
                Ok(writeln!(stdout(), "{headline}\n{}", self.summary.line())?)
            }
        }
    }

    /// Ends a command whose result is text on standard output, or in the object for scripts what it measured.
    pub(crate) fn answer(&mut self, text: impl Display) -> Result<(), Failure> {
        if self.options.json {
            self.settle();
            let object = serde_json::to_string_pretty(&self.summary).map_err(Failure::input)?;
            return Ok(writeln!(stdout(), "{object}")?);
        }
        Ok(write!(stdout(), "{text}")?)
    }

    fn settle(&mut self) {
        if let Some(devices) = self.devices.get() {
            self.summary.set_devices(devices);
        }
    }
}

/// Progress of one stage on standard error; nothing unless people are looking.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Bar of a stage.
    pub(crate) fn new(stage: &str, is_quiet: bool) -> Self {
        if is_quiet || !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{prefix} [{bar:40}] {percent:>3} % {elapsed} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(Some(BAR_STEPS), ProgressDrawTarget::stderr());
        Self(bar.with_style(style).with_prefix(stage.to_owned()))
    }

    /// Shows how far the stage has come.
    pub(crate) fn show(&self, progress: Progress<'_>) {
        self.0.set_position((progress.fraction * BAR_STEPS as f64) as u64);
        self.0.set_message(progress.pass.to_owned());
    }

    /// Shows how far it has come, with a message.
    pub(crate) fn say(&self, fraction: f64, message: String) {
        self.0.set_position((fraction * BAR_STEPS as f64) as u64);
        self.0.set_message(message);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn timed<T>(seconds: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *seconds += start.elapsed().as_secs_f64();
    result
}

/// Memory that can be had without swapping, within the limits of the container; boundless where no one can tell.
fn available_bytes() -> u64 {
    let Ok(mut system) = System::new() else { return u64::MAX };
    system.refresh_memory();
    let free = [system.available_memory(), system.total_memory()].into_iter().find(|&bytes| bytes > 0);
    let free = free.unwrap_or(u64::MAX);
    system.cgroup_limits().map_or(free, |limits| free.min(limits.free_memory))
}
