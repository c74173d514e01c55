//! Which slices are shown and how bright: the same on the page and in the picture files.

use glam::DVec3;
use image::ImageError;
use kerma::data::Volume;

use crate::{
    failure::Failure,
    pictures::{Plane, Raster, Resample, Slice, Window},
};

/// Where the three planes cross, in millimetres: in the heart, with the spine still in the sagittal plane.
pub(super) const FOCUS_MM: DVec3 = DVec3::new(-10.0, 15.0, -25.0);
/// CT numbers at which error maps reach full colour.
pub(super) const ERROR_HU: f32 = 100.0;
/// Share of a projection's pixels left black, and white.
pub(super) const PROJECTION_TAIL: f64 = 0.005;
/// Share of a tomosynthesis slice's pixels left black, and white.
const CONTRAST_TAIL: f64 = 0.003;
/// Share of a slice's width and height, on every side, that takes no part in choosing its window.
const RIM: f64 = 0.1;
/// Windows for contrasts end at multiples of this, in mm⁻¹.
const CONTRAST_STEP: f32 = 5e-4;

/// Everything from air to spongy bone.
pub(super) fn wide() -> Window {
    Window::new(-1000.0, 500.0)
}

/// Organs and vessels, as radiologists set it for the mediastinum.
pub(super) fn soft() -> Window {
    Window::level(40.0, 400.0)
}

/// Window for contrasts, which have no absolute scale: over the slice's middle, where nothing is truncated.
pub(super) fn contrast(slice: &Slice) -> Window {
    let [columns, rows] = slice.size();
    let middle = |count: usize| (count as f64 * RIM) as usize..count - (count as f64 * RIM) as usize;
    let lines = slice.values().chunks_exact(columns).take(middle(rows).end).skip(middle(rows).start);
    let mut values: Vec<f32> = lines.flat_map(|line| &line[middle(columns)]).copied().collect();
    let last = values.len().saturating_sub(1);
    let tail = (last as f64 * CONTRAST_TAIL) as usize;
    let mut at = |index: usize| *values.select_nth_unstable_by(index, f32::total_cmp).1 / CONTRAST_STEP;
    Window::new(at(tail).floor() * CONTRAST_STEP, at(last - tail).ceil() * CONTRAST_STEP)
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
