//! Numbers to pixels: slices in display order, grey windows, the error colours, and PNG.
//!
//! A [`Slice`] is cut from a volume, a projection stack or an image and already lies the way it will be looked at.
//! A [`Window`] or [`Diverging`] scale then turns its values into a [`Raster`], and that into the bytes of a PNG.

mod colour;
mod outline;
mod profile;
mod raster;
mod slice;
mod window;

pub(crate) use colour::Diverging;
pub(crate) use outline::outlines;
pub(crate) use profile::profile;
pub(crate) use raster::{Raster, Resample};
pub(crate) use slice::{Plane, Slice};
pub(crate) use window::Window;
