//! What noise is in an image: its size, its dependence on the signal, its correlation. Host code, f64 inside.
//!
//! - [`gaussian_sigma`]: one standard deviation for the whole image, from its finest diagonal wavelet band.
//! - [`estimate`]: variance as a straight line of the mean, [`PoissonGaussian`], from one image.
//! - [`Anscombe`]: values whose noise has variance 1 everywhere, and the exact unbiased way back.
//! - [`noise_correlation`], [`looks_processed`]: whether that noise is still a detector's.
//!
//! Nothing depends on the number of threads: all that is added up has a written order, the rest are order statistics.

mod anscombe;
mod band;
mod clipping;
mod correlation;
mod error;
mod gaussian;
mod inverse;
mod line;
mod poisson_gaussian;
mod processed;

pub use anscombe::Anscombe;
pub use correlation::{Correlation, noise_correlation};
pub use error::NoiseError;
pub use gaussian::{GaussianNoise, gaussian_sigma};
pub use poisson_gaussian::{PoissonGaussian, estimate, estimate_within};
pub use processed::{Processing, looks_processed};
