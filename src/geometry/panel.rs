use glam::DVec3;

use super::{GeometryError, Source, View, check};

/// The flat detector that every named geometry shares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pitch_mm: [f64; 2],
    offset_mm: [f64; 2],
}

impl Panel {
    /// Panel of `detector` = [columns (u), rows (v)] pixels whose centre is shifted by `offset_mm` along u and v.
    pub(super) fn new(detector: [usize; 2], pitch_mm: [f64; 2], offset_mm: [f64; 2]) -> Result<Self, GeometryError> {
        check::count("detector columns", detector[0])?;
        check::count("detector rows", detector[1])?;
        for (axis, got) in ['u', 'v'].into_iter().zip(pitch_mm) {
            check::value(got.is_finite() && got > 0.0, "detector pitch", "positive", format!("{got} mm ({axis})"))?;
        }
        for (axis, got) in ['u', 'v'].into_iter().zip(offset_mm) {
            check::value(got.is_finite(), "detector offset", "finite", format!("{got} mm ({axis})"))?;
        }
        Ok(Self { pitch_mm, offset_mm })
    }

    /// View in which the detector's plane passes through `foot` and its axes are the unit vectors `u` and `v`.
    pub(super) fn view(&self, source: Source, foot: DVec3, u: DVec3, v: DVec3) -> View {
        View {
            source,
            detector_centre: foot + self.offset_mm[0] * u + self.offset_mm[1] * v,
            u_step: self.pitch_mm[0] * u,
            v_step: self.pitch_mm[1] * v,
        }
    }
}
