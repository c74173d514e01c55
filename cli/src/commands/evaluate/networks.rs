//! What evaluations of networks share: folders of cases, files that are written, bars that decide.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kerma::io::write_bytes;
use kerma_nn::{Statement, training::cases};
use serde::Serialize;

use super::EvaluateArgs;
use crate::{
    context::Context,
    failure::Failure,
    report::{Summary, Table},
};

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
    statements.iter().fold(Table::new("Bars and claims", ["What", "Holds", "Found"]), |table, statement| {
        let Statement { text, verdict, found, is_bar } = statement;
        table.row([&format!("{}: {text}", if *is_bar { "bar" } else { "claim" }), verdict, found])
    })
}
