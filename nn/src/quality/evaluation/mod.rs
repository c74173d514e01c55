//! Networks that assess radiographs, held to the truth and to what needs no network, on bodies that none of them has seen.
//!
//! ```text
//! Recipe       test cases, networks, seed of exposures and intervals
//! Baseline     the noise fit, and lines through features of a display
//! Evaluation   one quantity: methods, and what they tell of one body after another
//! Figures      what is measured of one method on one body
//! Outcome      means over bodies with their intervals, bars and claims
//! ```
//!
//! The unit is the body: images of one body are averaged before bodies are.

mod baseline;
mod figures;
mod outcome;
mod recipe;

pub use figures::{Evaluation, Figures};
pub use outcome::{Outcome, Part, Row};
pub use recipe::{Networks, Recipe};
