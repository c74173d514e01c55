//! Geometries in the conventions of other programs, and back; docs/CONVENTIONS.md has the table.
//!
//! Every converter refuses what the other program cannot express rather than bend it.

pub mod astra;
pub mod leap;
pub mod rtk;
pub mod tigre;

use super::{Geometry, GeometryError, View};

/// Deviation, relative to 1, that rounding of another program's numbers may cause.
const TOLERANCE: f64 = 1e-9;

/// The pitch that all views share, for programs that know one pitch only.
fn common_pitch_mm(geometry: &Geometry, program: &'static str) -> Result<[f64; 2], GeometryError> {
    let pitch = geometry.pitch_mm();
    let differs = |view: &View| {
        let [du, dv] = [view.u_step.length() / pitch[0], view.v_step.length() / pitch[1]];
        (du - 1.0).abs() > TOLERANCE || (dv - 1.0).abs() > TOLERANCE
    };
    match geometry.views().iter().position(differs) {
        Some(view) => {
            Err(GeometryError::Inexpressible { view, program, reason: "its pixel pitch differs from that of view 0" })
        }
        None => Ok(pitch),
    }
}

#[cfg(test)]
mod testing {
    use crate::geometry::{Geometry, Scan, Source};

    /// The geometry of an example file.
    pub(super) fn example(kind: &str) -> Geometry {
        Scan::from_toml(Scan::example(kind).unwrap()).unwrap().build().unwrap()
    }

    /// Positions agree to a nanometre: what f64 leaves after a rotation there and back.
    pub(super) fn assert_same(got: &Geometry, want: &Geometry) {
        assert_eq!((got.detector(), got.views().len()), (want.detector(), want.views().len()));
        for (k, (got, want)) in got.views().iter().zip(want.views()).enumerate() {
            let (Source::Point(a), Source::Point(b)) = (got.source, want.source) else { panic!("view {k}") };
            let pairs = [
                (a, b),
                (got.detector_centre, want.detector_centre),
                (got.u_step, want.u_step),
                (got.v_step, want.v_step),
            ];
            assert!(pairs.iter().all(|(a, b)| a.distance(*b) < 1e-6), "view {k}: {got:?} is not {want:?}");
        }
    }
}
