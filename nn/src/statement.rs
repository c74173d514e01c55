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
        let row = |Self { text, verdict, found, is_bar }: &Self| {
            format!("| {}: {text} | {verdict} | {found} |\n", if *is_bar { "bar" } else { "claim" })
        };
        let rows: String = statements.iter().map(row).collect();
        format!("| bar or claim | holds | found |\n|---|---|---|\n{rows}")
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
