//! Tensor operations that decide the speed of the networks on the CPU, with burn's own everywhere else.
//!
//! On Flex, burn's CPU backend, a 3 × 3 convolution unfolds the image, and a normalisation walks over memory eight
//! times. These have kernels of their own here, joined to burn's automatic differentiation as a backend extension;
//! on wgpu the same functions are burn's operations, which makes each a test of the other.

mod blocks;
mod conv;
mod extension;
mod norm;
mod planes;
mod routed;

pub use routed::{conv3x3, conv3x3x3, enlarge, fold, halve, mix, norm_silu, unfold};

/// Does many operations, one after another, on a thread of the pool that shares their work: from any other, each of them would
/// wake a thread of the pool first, which takes as long as a small operation.
pub(crate) fn in_pool<R: Send>(operations: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| operations())
}
