use std::fmt::{self, Display};

use clap::Args;
use kerma::engine::{AdapterSummary, Kind, Probe, SelfTest, Verdict, adapters, open_adapter};
use serde::Serialize;

use crate::{context::Context, failure::Failure, summary::bytes_text};

/// Arguments of `kerma devices`.
#[derive(Args, Debug)]
#[command(after_help = "The names gpu:0, gpu:1, … are what --device takes.")]
pub(crate) struct DevicesArgs {
    /// Also list, per adapter, every expression that rounds differently from the CPU
    #[arg(long, short)]
    verbose: bool,
}

/// One place to compute, as `--json` prints it.
#[derive(Serialize)]
struct Entry {
    /// What `--device` calls it.
    name: String,
    adapter: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<AdapterLimits>,
    /// Memory of the CPU backend that is free now.
    #[serde(skip_serializing_if = "Option::is_none")]
    free_bytes: Option<u64>,
    /// Whether `--device auto` takes it.
    is_auto: bool,
    /// `pinned`, `tolerance` or `unusable`.
    verdict: &'static str,
    /// The verdict in words.
    self_test: String,
    /// Expressions whose bits differ from Rust's.
    differing: Vec<Differing>,
    #[serde(skip)]
    is_verbose: bool,
}

/// What an adapter allows.
#[derive(Serialize)]
struct AdapterLimits {
    driver: String,
    backend: String,
    binding_bytes: u64,
    buffer_bytes: u64,
    workgroups: u32,
    features: Vec<&'static str>,
}

/// An expression of the self-test that an adapter rounds differently.
#[derive(Serialize)]
struct Differing {
    expression: &'static str,
    inputs: usize,
    of_inputs: usize,
    /// Whether pinned kernels depend on it.
    is_required: bool,
}

/// Runs `kerma devices`.
pub(crate) fn run(args: &DevicesArgs, context: &mut Context) -> Result<(), Failure> {
    let found = pollster::block_on(adapters());
    let best = found.iter().map(|a| a.kind).filter(|&kind| kind != Kind::Software).min();
    let auto = best.and_then(|best| found.iter().position(|a| a.kind == best));
    let numerics = context.options().numerics;
    let mut entries: Vec<Entry> = found
        .iter()
        .enumerate()
        .map(|(index, adapter)| {
            let opened = pollster::block_on(open_adapter(index, numerics));
            let (verdict, self_test, differing) = match &opened {
                Ok(device) => judged(device.self_test()),
                Err(error) => ("unusable", error.to_string(), Vec::new()),
            };
            Entry {
                name: format!("gpu:{index}"),
                adapter: adapter.name.clone(),
                kind: adapter.kind.to_string(),
                limits: Some(limits(adapter)),
                free_bytes: None,
                is_auto: auto == Some(index),
                verdict,
                self_test,
                differing,
                is_verbose: args.verbose,
            }
        })
        .collect();
    let cpu = context.cpu();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (verdict, self_test, differing) = judged(cpu.self_test());
    entries.push(Entry {
        name: "cpu".to_owned(),
        adapter: format!("CPU backend, {threads} threads, {} free", bytes_text(context.available_bytes())),
        kind: "cpu".to_owned(),
        limits: None,
        free_bytes: Some(context.available_bytes()),
        is_auto: auto.is_none(),
        verdict,
        self_test,
        differing,
        is_verbose: args.verbose,
    });
    context.measure("devices", &entries);
    context.answer(entries.iter().map(Entry::to_string).collect::<Vec<_>>().join("\n"))
}

fn judged(test: &SelfTest) -> (&'static str, String, Vec<Differing>) {
    let verdict = match test.verdict() {
        Verdict::Pinned => "pinned",
        Verdict::Tolerance => "tolerance",
    };
    let differing = test.probes.iter().filter(|p| p.differing > 0).map(|&Probe { name, differing, required }| {
        Differing { expression: name, inputs: differing, of_inputs: test.inputs, is_required: required }
    });
    (verdict, test.summary(), differing.collect())
}

fn limits(adapter: &AdapterSummary) -> AdapterLimits {
    AdapterLimits {
        driver: adapter.driver.clone(),
        backend: adapter.backend.clone(),
        binding_bytes: adapter.binding_bytes,
        buffer_bytes: adapter.buffer_bytes,
        workgroups: adapter.workgroups,
        features: adapter.features.clone(),
    }
}

impl Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let auto = if self.is_auto { " (auto)" } else { "" };
        match &self.limits {
            None => writeln!(f, "{}{auto}: {}", self.name, self.adapter)?,
            Some(limits) => {
                writeln!(f, "{}{auto}: {}, {}", self.name, self.adapter, self.kind)?;
                writeln!(f, "  driver     {} {}", limits.backend, limits.driver)?;
                let (binding, buffer) = (bytes_text(limits.binding_bytes), bytes_text(limits.buffer_bytes));
                let workgroups = limits.workgroups;
                writeln!(f, "  limits     binding {binding}, buffer {buffer}, {workgroups} workgroups per dimension")?;
                let features = if limits.features.is_empty() { "none".to_owned() } else { limits.features.join(", ") };
                writeln!(f, "  features   {features}")?;
            }
        }
        writeln!(f, "  self-test  {}", self.self_test)?;
        if self.is_verbose {
            for Differing { expression, inputs, of_inputs, is_required } in &self.differing {
                let note = if *is_required { ", required" } else { "" };
                writeln!(f, "             {expression}: {inputs} of {of_inputs} inputs differ{note}")?;
            }
        }
        Ok(())
    }
}
