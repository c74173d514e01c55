use super::GeometryError;

/// Largest number of pixels along one axis of a detector, or of views.
pub(super) const MAX_COUNT: usize = 1 << 16;

/// `got` things of which there must be at least one and not absurdly many.
pub(super) fn count(field: &'static str, got: usize) -> Result<(), GeometryError> {
    match got {
        1..=MAX_COUNT => Ok(()),
        _ => Err(GeometryError::Count { field, got, max: MAX_COUNT }),
    }
}

/// A field that `allowed` describes; NaN never passes.
pub(super) fn value(
    ok: bool,
    field: &'static str,
    allowed: impl Into<String>,
    got: impl Into<String>,
) -> Result<(), GeometryError> {
    if ok { Ok(()) } else { Err(GeometryError::Value { field, allowed: allowed.into(), got: got.into() }) }
}

/// A finite length above zero.
pub(super) fn positive_mm(field: &'static str, got: f64) -> Result<(), GeometryError> {
    value(got.is_finite() && got > 0.0, field, "positive", format!("{got} mm"))
}

/// A finite angle.
pub(super) fn finite_deg(field: &'static str, got: f64) -> Result<(), GeometryError> {
    value(got.is_finite(), field, "finite", format!("{got}°"))
}

/// An angle covered by a scan, in either direction of rotation.
pub(super) fn arc_deg(got: f64, max: f64) -> Result<(), GeometryError> {
    value(got != 0.0 && got.abs() <= max, "arc_deg", format!("-{max}° to {max}° and not 0°"), format!("{got}°"))
}

/// A tomosynthesis sweep: below 180°, where the source would pass the detector's plane.
pub(super) fn sweep_deg(got: f64) -> Result<(), GeometryError> {
    value(got > 0.0 && got < 180.0, "sweep_deg", "more than 0° and less than 180°", format!("{got}°"))
}

/// SID and SDD of a scanner whose object stands between source and detector.
pub(super) fn distances(sid_mm: f64, sdd_mm: f64) -> Result<(), GeometryError> {
    positive_mm("source_isocentre_mm", sid_mm)?;
    positive_mm("source_detector_mm", sdd_mm)?;
    value(
        sdd_mm > sid_mm,
        "source_detector_mm",
        format!("more than source_isocentre_mm ({sid_mm} mm)"),
        format!("{sdd_mm} mm"),
    )
}
