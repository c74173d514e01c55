//! Iterative reconstruction: a volume whose projections come ever closer to those measured.
//!
//! ```text
//! SIRT, OS-SART       x ← x + λ·C·Aᵀ·R·(p − A·x)
//! CGLS                conjugate gradients of ‖p − A·x‖²
//! MLEM, OSEM          x ← x/(Aᵀ·1)·Aᵀ·(p/(A·x))
//! FISTA-TV            ½·‖p − A·x‖² + weight·∫|∇x| dV
//! ```
//! An iteration is one prepared plan: whatever it computes, step lengths included, stays on the device, and a few sums come back.

mod options;
mod pair;
mod plans;
mod run;

pub use options::{Algorithm, IterativeOptions, SubsetOrder, Weights};
pub use run::{Ending, Iterate, Iterated, Iterative};
