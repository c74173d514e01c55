//! What evaluations say of methods, and whether it holds.

use kerma::metrics::{Estimate, Verdict};
use serde::Serialize;

/// Something that is said of methods, and whether it holds here.
#[derive(Clone, Debug, Serialize)]
pub struct Statement {
    /// What is said.
    pub text: String,
    /// yes, no or undecided.
    pub verdict: &'static str,
    /// With which numbers.
    pub found: String,
    /// Whether the evaluation fails where it does not hold: bars do, claims of others do not.
    pub is_bar: bool,
}

impl Statement {
    /// Bars and claims as a table in Markdown.
    #[must_use]
    pub fn table(statements: &[Self]) -> String {
        table(&["bar or claim", "holds", "found"], statements.iter().map(Self::texts))
    }

    /// What is said and whether it is a bar, the verdict, and with which numbers.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let kind = if self.is_bar { "bar" } else { "claim" };
        vec![format!("{kind}: {}", self.text), self.verdict.to_owned(), self.found.clone()]
    }

    /// Whether it holds, or decides nothing.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.is_bar || self.verdict == "yes"
    }

    /// Whether all bars hold.
    #[must_use]
    pub fn all_hold(statements: &[Self]) -> bool {
        statements.iter().all(Self::holds)
    }
}

/// A table in Markdown.
pub(crate) fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: String = rows.map(|row| format!("| {} |\n", row.join(" | "))).collect();
    format!("| {} |\n|{}\n{rows}", columns.join(" | "), "---|".repeat(columns.len()))
}

/// Tables of all bodies and of real ones, and the statements, in Markdown.
pub(crate) fn tables(bodies: String, real: Option<(usize, String)>, statements: &[Statement]) -> String {
    let real = real.map_or_else(String::new, |(count, table)| {
        let words = if count == 1 { "One real body: n = 1, no interval." } else { "Real bodies." };
        format!("\n{words}\n\n{table}")
    });
    format!("{bodies}{real}\n{}", Statement::table(statements))
}

/// Names of the verdict on "more than the bar".
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "yes",
        Verdict::Worse => "no",
        Verdict::Undecided => "undecided",
    }
}

/// The same on "less than the bar".
pub(crate) fn word_below(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "no",
        Verdict::Worse => "yes",
        Verdict::Undecided => "undecided",
    }
}

/// A number with its interval.
pub(crate) fn shown(estimate: Estimate, digits: usize) -> String {
    let Estimate { value, interval } = estimate;
    match interval {
        Some([low, high]) => format!("{value:.digits$} ({low:.digits$} to {high:.digits$})"),
        None => format!("{value:.digits$}, no interval"),
    }
}
