//! A network that reconstructs, beside methods that learn nothing, on bodies that it has not seen.
//!
//! ```text
//! Recipe       models, test bodies, what the other methods try
//! Evaluation   every method on one body
//! Outcome      means over bodies with their intervals, and bars
//! ```
//! The unit is the body. Windows and weights of the other methods are the best ones *on the test bodies*, which favours them.

mod methods;
mod outcome;
mod recipe;

pub use methods::{Evaluation, Figures, Method};
pub use outcome::{Outcome, Row};
pub use recipe::Recipe;
