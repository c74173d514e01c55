//! Gaussian and Laplacian pyramids: an image as a sum of bands, and bands put together again through curves.
//!
//! ```text
//! G₀ = image,  G_{k+1} = reduce(G_k)             levels, each half as wide and high, rounded up
//! L_k = G_k − expand(G_{k+1})                    bands
//! R_n = G_n,   R_k = expand(R_{k+1}) + c_k(L_k)  the image again; R₀ = G₀ where the curves c keep their bands
//! ```
//! Burt & Adelson, IEEE Trans. Commun. 31:532, 1983, with the weights 1 4 6 4 1 (their a = 3/8). A level of n columns
//! or rows is followed by one of ⌈n/2⌉; levels beyond 1×1 are 1×1.
//!
//! - [`reduce`] blurs and halves, [`band`] and [`mod@collapse`] hold a level against the expanded coarser one.
//! - [`reduce_pixels`] and [`mod@amplify`] do the same at the finest level of an image of whole numbers, from pixels to pixels.
//! - [`Curve`] is what a band goes through; [`mod@noise`] and [`median`] measure what its containment asks for.
//! - [`blend()`] puts two images together under a mask, band by band.
//! - [`Arithmetic`] says whether levels are whole numbers, and then everything is exact, or single precision.

mod arithmetic;
mod curve;
mod expand;
mod levels;

pub mod amplify;
pub mod band;
pub mod blend;
pub mod collapse;
pub mod median;
pub mod noise;
pub mod reduce;
pub mod reduce_pixels;

pub use arithmetic::Arithmetic;
pub use curve::{Containment, Curve};
pub use levels::{Pyramid, amplify, blend, build, build_pixels, collapse};
pub use noise::record as noise;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[
    &reduce::SHADER,
    &reduce_pixels::SHADER,
    &band::SHADER,
    &collapse::SHADER,
    &amplify::SHADER,
    &noise::SHADER,
    &median::SHADER,
    &blend::SHADER,
];
