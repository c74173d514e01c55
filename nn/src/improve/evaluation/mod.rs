//! Networks that improve reconstructions, held to their truth on bodies that none of them has seen, and to what is known of
//! such networks.
//!
//! ```text
//! Recipe      test cases, variants, seed of the intervals
//! Case        one body: reconstruction and truth, with nodules and without them
//! Figures     what is measured of one method on one body
//! Outcome     means over bodies with their intervals, bars and claims
//! ```
//!
//! The unit is the body: nodules of one body are averaged before bodies are.

mod figures;
mod outcome;
mod recipe;

pub use figures::{Case, Evaluation, Figures, NoduleFigures};
pub use outcome::{Cell, Outcome, Row};
pub use recipe::{Recipe, Variant};
