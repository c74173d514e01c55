use glam::{DMat3, DVec3};

use super::{GeometryError, Source, View, check};

/// The flat detector that every named geometry shares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pitch_mm: [f64; 2],
    offset_mm: [f64; 2],
    tilt_deg: [f64; 3],
}

/// Whether a detector faces the source, as it does unless it is tilted.
pub(super) fn is_upright(tilt_deg: &[f64; 3]) -> bool {
    *tilt_deg == [0.0; 3]
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
        Ok(Self { pitch_mm, offset_mm, tilt_deg: [0.0; 3] })
    }

    /// The panel turned about its own centre by angles about u, v and the normal n = u × v of one that is not tilted.
    ///
    /// The turn about n comes first, then that about u, then that about v; each is counter-clockwise seen against its axis.
    pub(super) fn tilted(self, tilt_deg: [f64; 3]) -> Result<Self, GeometryError> {
        for (axis, got) in ["u", "v"].into_iter().zip(tilt_deg) {
            check::value(
                got.abs() < 90.0,
                "tilt_deg",
                "more than -90° and less than 90° about u and v",
                format!("{got}° ({axis})"),
            )?;
        }
        let normal = tilt_deg[2];
        check::value(normal.abs() <= 180.0, "tilt_deg", "-180° to 180° about the normal", format!("{normal}°"))?;
        Ok(Self { tilt_deg, ..self })
    }

    /// View in which the detector's plane passes through `foot` and its axes, before it is tilted, are the unit vectors `u` and `v`.
    pub(super) fn view(&self, source: Source, foot: DVec3, u: DVec3, v: DVec3) -> View {
        let detector_centre = foot + self.offset_mm[0] * u + self.offset_mm[1] * v;
        let [u, v] = if is_upright(&self.tilt_deg) { [u, v] } else { self.turned(u, v) };
        View { source, detector_centre, u_step: self.pitch_mm[0] * u, v_step: self.pitch_mm[1] * v }
    }

    fn turned(&self, u: DVec3, v: DVec3) -> [DVec3; 2] {
        let [about_u, about_v, about_normal] = self.tilt_deg.map(f64::to_radians);
        let turn = DMat3::from_axis_angle(v, about_v)
            * DMat3::from_axis_angle(u, about_u)
            * DMat3::from_axis_angle(u.cross(v), about_normal);
        [turn * u, turn * v]
    }
}
