use super::MetricError;
use crate::data::{DataError, Image};

/// Refuses images of different sizes, and values that are not finite.
pub(super) fn check_pair(reference: &Image, image: &Image) -> Result<(), MetricError> {
    let (expected, got) = (reference.size(), image.size());
    if expected != got {
        return Err(MetricError::Size { expected, got });
    }
    DataError::check_finite("reference", reference.values())?;
    Ok(image.check_finite()?)
}

/// Refuses a range of values that is none.
pub(super) fn check_range(range: f64) -> Result<(), MetricError> {
    if range.is_finite() && range > 0.0 {
        return Ok(());
    }
    Err(MetricError::Setting { what: "range", allowed: "positive and finite", got: range })
}

/// Refuses an image with a side of fewer than `least` pixels.
pub(super) fn check_sides(metric: &'static str, got: [usize; 2], least: usize) -> Result<(), MetricError> {
    if got.iter().all(|&side| side >= least) { Ok(()) } else { Err(MetricError::TooSmall { metric, least, got }) }
}
