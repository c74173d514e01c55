//! Projection and back-projection as differentiable operators of tensors.
//!
//! ```text
//! y = A·x        ∂L/∂x = Aᵀ·∂L/∂y
//! x = Aᵀ·y       ∂L/∂y = A·∂L/∂x
//! ```
//! A is one of the engine's projectors and Aᵀ its exact adjoint by the same weights, so that gradients are those of what was computed.

mod extension;
mod scan;

pub use scan::ScanOperator;
