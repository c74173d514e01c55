//! Image quality in numbers, each with its convention: how far two images differ, how sharp and how noisy one is; how well
//! nodules are found ([`froc`]), and how near a volume comes to its truth ([`volumes`]).
//!
//! Plain functions over [`Image`](crate::data::Image) and [`Volume`](crate::data::Volume) on the host, in `f64` and on all
//! cores; sums are taken in fixed parts and in order, so that a result does not depend on the number of threads. What a
//! number cannot be computed from is an error that says so, never a NaN. Formulas, windows and borders:
//! `docs/methods/metrics.md`.
//!
//! - A pair is given as (reference, image) and must have one size. The *range* R is that of possible values, such as
//!   255 for 8 bits: it is given, never taken from the image under test.
//! - Values must be finite.

mod bootstrap;
mod contrast;
mod cpbd;
mod edges;
mod error;
mod fourier;
pub mod froc;
mod ms_ssim;
mod mtf;
mod nps;
mod pair;
mod psnr;
mod region;
mod ssim;
mod trend;
pub mod volumes;
mod windows;

pub use bootstrap::{Bootstrap, Comparison, Estimate, Verdict};
pub use contrast::{Insert, InsertContrast, contrast_detail};
pub use cpbd::cpbd;
pub use error::MetricError;
pub use ms_ssim::ms_ssim;
pub use mtf::{Mtf, mtf};
pub use nps::{Nps, NpsOptions, nps};
pub use psnr::{psnr, rmse};
pub use region::{FrequencyUnit, Region};
pub use ssim::{Form, ssim};
