//! Accuracy of noise estimates and transforms on simulated radiographs, and a look at real ones.
#![expect(clippy::unwrap_used, reason = "what cannot be set up or measured fails the test that asked for it")]

mod anscombe;
mod gaussian;
mod poisson_gaussian;
mod processed;
mod scene;
