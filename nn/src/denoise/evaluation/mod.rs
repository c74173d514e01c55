//! How well denoisers do on held-out simulated radiographs: doses × noise × methods, every number with its interval.
//!
//! ```text
//! Recipe       images, doses, methods, checks
//! Evaluation   recipe, models and volumes, ready to run      → Outcome
//! Outcome      cells (condition × method × metric), the matched start, seams, verdicts, pictures
//! Grid         a table of the outcome, as text or Markdown
//! ```
//!
//! What is measured and how: `docs/methods/denoising.md`.

mod bench;
mod check;
mod grid;
mod interval;
mod matched;
mod metric;
mod outcome;
mod ready;
mod recipe;
mod run;
mod scene;
mod seams;
mod structure;

pub use check::{Check, Verdict};
pub use grid::{Entry, Grid};
pub use interval::Interval;
pub use metric::Metric;
pub use outcome::{Cell, Condition, Gallery, MatchedDose, Measured, Outcome, SeamLine};
pub use recipe::{Knowledge, MatchedOptions, MethodKind, MethodOptions, Recipe, SamplerKind};
pub use recipe::{SeamOptions, StructureOptions};
pub use run::Evaluation;

pub use super::training::NoiseKind;
