//! From a raw scan to line integrals: flat and dark fields, bad pixels, stripes, and the column of the rotation axis.
//!
//! Host code: what is read once is computed once.

mod axis;
mod conjugate;
mod normalise;
mod stripes;
mod symmetry;
mod wavelet;

pub use axis::{Axis, AxisSearch, find_axis};
pub use normalise::{Normalised, RawScan};
pub use stripes::{Stripes, remove_stripes};
