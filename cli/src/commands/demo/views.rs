//! Which slices are shown and how bright: the same on the page and in the picture files.

use glam::DVec3;
use image::ImageError;
use kerma::data::Volume;

use crate::{
    failure::Failure,
    pictures::{Plane, Raster, Resample, Slice, Window},
};

/// Where the three planes cross, in millimetres: in the heart, off the spine.
pub(super) const FOCUS_MM: DVec3 = DVec3::new(-20.0, 15.0, -25.0);
/// CT numbers at which error maps reach full colour.
pub(super) const ERROR_HU: f32 = 100.0;
/// Share of a tomosynthesis slice's pixels left black, and white.
const CONTRAST_TAIL: f64 = 0.01;

/// Everything from air to spongy bone.
pub(super) fn wide() -> Window {
    Window::new(-1000.0, 500.0)
}

/// Organs and vessels, as radiologists set it for the mediastinum.
pub(super) fn soft() -> Window {
    Window::level(40.0, 400.0)
}

/// Window for contrasts, which have no absolute scale.
pub(super) fn contrast(slice: &Slice) -> Window {
    Window::covering(slice, CONTRAST_TAIL)
}

/// The coronal slice nearest to a depth in millimetres, positive towards the breastbone.
pub(super) fn coronal(volume: &Volume, depth_mm: f64) -> Slice {
    Slice::of_volume(volume, Plane::Coronal, DVec3::Y * depth_mm)
}

/// A picture with square pixels, as the file formats' readers expect.
pub(super) fn square(slice: &Slice, raster: Raster) -> Raster {
    let [across, down] = slice.pixel_mm().unwrap_or([1.0; 2]);
    let finest = across.min(down);
    let pixels = |count: usize, mm: f64| (count as f64 * mm / finest).round() as u32;
    let [columns, rows] = slice.size();
    raster.resized([pixels(columns, across), pixels(rows, down)], Resample::Smooth)
}

/// A picture that could not be encoded: a defect, told like one.
pub(super) fn undrawn(error: ImageError) -> Failure {
    Failure::input(format!("a picture could not be encoded: {error}"))
}
