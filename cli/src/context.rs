//! What every command works with: the device, progress, Ctrl-C, times and memory.

use std::{
    cell::OnceCell,
    io::{IsTerminal, Write as _, stderr, stdout},
    path::Path,
    time::Instant,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kerma::engine::{Choice, Control, Device, Graph, Outputs, PeakBytes, Plan};
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
    device: OnceCell<Device>,
    /// Memory that was free before anything was read.
    available_bytes: u64,
    notice: Option<String>,
    summary: Summary,
    stages: Vec<(&'static str, f64)>,
}

impl Context {
    /// Context of one command.
    pub(crate) fn new(options: GlobalArgs) -> Self {
        let available_bytes = available_bytes();
        Self {
            options,
            device: OnceCell::new(),
            available_bytes,
            notice: None,
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
    pub(crate) fn stages(&self) -> &[(&'static str, f64)] {
        &self.stages
    }

    /// Whether people read standard output, rather than a script or nobody.
    pub(crate) fn is_chatty(&self) -> bool {
        !self.options.json && !self.options.quiet
    }

    /// Memory that was free when the command began, in bytes.
    pub(crate) fn available_bytes(&self) -> u64 {
        self.available_bytes
    }

    /// The device that `--device` chooses.
    pub(crate) fn device(&mut self) -> Result<&Device, Failure> {
        if self.device.get().is_none() {
            let device = self.open()?;
            self.summary.set_device(&device);
            let _ = self.device.set(device);
        }
        self.device.get().ok_or_else(|| Failure::Device("no device".to_owned()))
    }

    fn open(&mut self) -> Result<Device, Failure> {
        let GlobalArgs { device: choice, numerics, .. } = self.options;
        let cpu = || Device::cpu().with_memory_budget(self.available_bytes);
        let device = match pollster::block_on(Device::open(choice, numerics)) {
            Ok(device) => device,
            Err(error) if choice == Choice::Auto && error.is_device_failure() => {
                self.notice = Some(format!("computing on the CPU: {error}"));
                return Ok(cpu());
            }
            Err(error) => return Err(error.into()),
        };
        if device.adapter().is_some() {
            return Ok(device);
        }
        if choice == Choice::Auto {
            self.notice = Some("no GPU found, computing on the CPU".to_owned());
        }
        Ok(cpu())
    }

    /// Refuses host data that do not fit into free memory, before they are allocated.
    pub(crate) fn check_room(&self, what: &str, needed_bytes: u64) -> Result<(), Failure> {
        if needed_bytes <= self.available_bytes {
            return Ok(());
        }
        let (needed, free) = (bytes_text(needed_bytes), bytes_text(self.available_bytes));
        Err(Failure::input(format!(
            "{what} needs {needed} of host memory ({needed_bytes} bytes), {free} are free ({} bytes)",
            self.available_bytes
        )))
    }

    /// Accounts for `count` values computed on the host; refuses what does not fit.
    pub(crate) fn hold(&mut self, what: &str, count: usize) -> Result<(), Failure> {
        let host = count as u64 * size_of::<f32>() as u64;
        self.check_room(what, host)?;
        self.summary.raise_peak(PeakBytes { host, device: 0 });
        Ok(())
    }

    /// Reads inputs, and counts the time.
    pub(crate) fn read<T, E: Into<Failure>>(&mut self, work: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
        let start = Instant::now();
        let result = work().map_err(Into::into);
        self.summary.seconds.read += start.elapsed().as_secs_f64();
        result
    }

    /// Computes on the host without the engine, and counts the time.
    pub(crate) fn compute<T, E: Into<Failure>>(&mut self, work: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
        let start = Instant::now();
        let result = work().map_err(Into::into);
        self.summary.seconds.run += start.elapsed().as_secs_f64();
        result
    }

    /// Plans a graph for the device.
    pub(crate) fn plan<'g, 'a>(&mut self, graph: &'g Graph<'a>) -> Result<Plan<'g, 'a>, Failure> {
        let limits = self.device()?.limits();
        let start = Instant::now();
        let plan = Plan::new(graph, limits)?;
        self.summary.seconds.plan += start.elapsed().as_secs_f64();
        self.summary.raise_peak(plan.peak_bytes());
        Ok(plan)
    }

    /// Plans and runs a graph under a progress bar; Ctrl-C ends it.
    pub(crate) fn run(&mut self, stage: &'static str, graph: &Graph<'_>) -> Result<Outputs, Failure> {
        let plan = self.plan(graph)?;
        self.check_room(stage, plan.peak_bytes().host)?;
        if let Some(notice) = self.notice.take() {
            self.note(&notice);
        }
        let bar = self.bar(stage);
        let progress = |progress: kerma::engine::Progress<'_>| {
            bar.set_position((progress.fraction * BAR_STEPS as f64) as u64);
            bar.set_message(progress.pass.to_owned());
        };
        let control = Control { progress: &progress, is_cancelled: &interrupt::is_asked };
        let start = Instant::now();
        let device = self.device()?;
        let result = interrupt::orderly(|| Ok(pollster::block_on(device.run(&plan, &control))?));
        bar.finish_and_clear();
        let seconds = start.elapsed().as_secs_f64();
        self.summary.seconds.run += seconds;
        self.stages.push((stage, seconds));
        result
    }

    /// Writes an output, and counts the time. The writer must be one that never leaves half a file.
    pub(crate) fn write<E: Into<Failure>>(
        &mut self,
        path: &Path,
        writer: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        interrupt::orderly(|| writer(path).map_err(Into::into))?;
        self.summary.seconds.write += start.elapsed().as_secs_f64();
        self.summary.add_output(path);
        Ok(())
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

    /// Prints the summary: the object for scripts, or `headline` and one line of account for people.
    pub(crate) fn finish(&self, headline: &str) -> Result<(), Failure> {
        if self.options.json {
            let object = serde_json::to_string_pretty(&self.summary).map_err(Failure::input)?;
            writeln!(stdout(), "{object}")?;
        } else if !self.options.quiet {
            writeln!(stdout(), "{headline}\n{}", self.summary.line())?;
        }
        Ok(())
    }

    fn bar(&self, stage: &'static str) -> ProgressBar {
        if self.options.quiet || !stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{prefix} [{bar:40}] {percent:>3} %  {elapsed}  {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        ProgressBar::with_draw_target(Some(BAR_STEPS), ProgressDrawTarget::stderr())
            .with_style(style)
            .with_prefix(stage)
    }
}

/// Memory that can be had without swapping, within the limits of the container; boundless where no one can tell.
fn available_bytes() -> u64 {
    let Ok(mut system) = System::new() else { return u64::MAX };
    system.refresh_memory();
    let free = [system.available_memory(), system.total_memory()].into_iter().find(|&bytes| bytes > 0);
    let free = free.unwrap_or(u64::MAX);
    system.cgroup_limits().map_or(free, |limits| free.min(limits.free_memory))
}
