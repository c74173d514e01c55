//! What evaluations of networks share: their kinds, cases, files that are written, bars that decide.

use std::{
    fs, panic,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread::{self, ScopedJoinHandle},
};

use kerma::{
    data::Volume,
    engine::{self, Progress},
    io::{read_volume, write_bytes},
};
use kerma_nn::{Error, Statement, evaluation_kind, improve, reconstruct, segment, training::cases};
use serde::Serialize;

use super::{EvaluateArgs, denoisers, detection, improvement, quality, reconstruction};
use crate::{
    context::Context,
    failure::Failure,
    report::{Summary, Table},
};

/// Runs an evaluation of networks by the kind that its recipe names.
pub(super) fn run(args: &EvaluateArgs, text: &str, context: &mut Context) -> Result<(), Failure> {
    match evaluation_kind(text).as_deref() {
        Some(improve::evaluation::Recipe::KIND) => improvement::run(args, text, context),
        Some(segment::evaluation::Recipe::KIND) => detection::run(args, text, context),
        Some(kerma_nn::quality::evaluation::Recipe::KIND) => quality::run(args, text, context),
        Some(reconstruct::evaluation::Recipe::KIND) => reconstruction::run(args, text, context),
        _ => denoisers::run(args, text, context),
    }
}

/// Endings of the variants of a pair.
pub(super) const PAIR: [&str; 2] = ["-with", "-without"];

/// Whether a case is a pair of variants, with nodules and without.
pub(super) fn is_pair(folder: &Path) -> bool {
    folder.join(format!("truth{}.nii.gz", PAIR[1])).is_file()
}

/// A volume of a case, of a variant where it has some.
pub(super) fn volume(folder: &Path, stem: &str, variant: &str) -> Result<Volume, Error> {
    let path = folder.join(format!("{stem}{variant}.nii.gz"));
    read_volume(&path, None).map_err(|error| Error::Image(error.to_string()))
}

/// What is measured of every case, in their order, under a progress bar: on the CPU one by each core, since a network alone keeps
/// few of them busy; on a GPU one after another.
pub(super) fn each<C: Sync, T: Send>(
    cases: &[C],
    context: &mut Context,
    measure: impl Fn(&C) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Failure> {
    context.drive("evaluation", |device, control| {
        let at_once =
            if device.adapter().is_some() { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
        let next = AtomicUsize::new(0);
        let one = |index: usize, case: &C| {
            if (control.is_cancelled)() {
                return Err(Failure::from(engine::Error::Cancelled));
            }
            let fraction = index as f64 / cases.len() as f64;
            (control.progress)(Progress { pass: &format!("{} of {}", index + 1, cases.len()), fraction });
            Ok(measure(case)?)
        };
        let work = || {
            let mut measured = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(case) = cases.get(index) else { return measured };
                // After a failure no case is begun. Those before it were, so that the first of all failures is the one that is told.
                let result = one(index, case).inspect_err(|_| next.store(cases.len(), Ordering::Relaxed));
                measured.push((index, result));
            }
        };
        let mut measured: Vec<(usize, Result<T, Failure>)> = thread::scope(|scope| {
            let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
            let join =
                |worker: ScopedJoinHandle<'_, _>| worker.join().unwrap_or_else(|fault| panic::resume_unwind(fault));
            workers.into_iter().flat_map(join).collect()
        });
        measured.sort_unstable_by_key(|(index, _)| *index);
        measured.into_iter().map(|(_, result)| result).collect()
    })
}

/// Folders of cases, one at least.
pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let found = cases(folder).map_err(|error| Failure::input(error).in_file(folder))?;
    match found.is_empty() {
        true => Err(Failure::input("holds no case of kerma simulate").in_file(folder)),
        false => Ok(found),
    }
}

/// Prints the tables, writes them and the page where a folder is named, and fails where a bar does not hold.
pub(super) fn finish(
    args: &EvaluateArgs,
    outcome: &impl Serialize,
    markdown: &str,
    statements: &[Statement],
    page: impl FnOnce(Summary) -> String,
    context: &mut Context,
) -> Result<(), Failure> {
    if let Some(out) = &args.out {
        fs::create_dir_all(out).map_err(|e| Failure::input(e).in_file(out))?;
        context.write(&out.join("table.md"), |path| write_bytes(path, markdown.as_bytes()))?;
        let object = serde_json::to_vec_pretty(outcome).map_err(Failure::input)?;
        context.write(&out.join("table.json"), |path| write_bytes(path, &object))?;
        let html = page(context.summary().for_page(context.device()?.self_test().summary()));
        context.write(&out.join("report.html"), |path| write_bytes(path, html.as_bytes()))?;
    }
    context.measure("evaluation", outcome);
    context.answer(markdown.to_owned())?;
    let failed = statements.iter().filter(|statement| !statement.holds());
    let failed: Vec<String> = failed.map(|Statement { text, found, .. }| format!("{text} ({found})")).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::Check(format!("evaluation: {} bars do not hold: {}", failed.len(), failed.join("; ")))),
    }
}

/// Bars and claims.
pub(super) fn said(statements: &[Statement]) -> Table {
    let columns = ["What", "Holds", "Found"].map(str::to_owned).to_vec();
    Table::of("Bars and claims", columns, statements.iter().map(Statement::texts).collect())
}
