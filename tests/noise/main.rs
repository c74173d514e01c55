//! Accuracy of noise estimates and transforms on simulated radiographs, and a look at real ones.

mod anscombe;
mod gaussian;
mod poisson_gaussian;
mod processed;
mod scene;
