//! LEAP: the modular-beam geometry.
//!
//! LEAP's axes are kerma's and its lengths are millimetres; volumes in its default order are indexed `[z][y][x]`, and
//! projections `[view][row][column]`. A pixel lies at
//!
//! ```text
//! module_center + (row − (rows−1)/2)·pixel_height·row_vector + (column − (columns−1)/2)·pixel_width·col_vector
//! ```
//!
//! so `row_vector` points along v, from row to row, and `col_vector` along u. One pitch serves all views, and every view
//! has a focal spot.

use glam::DVec3;

use super::common_pitch_mm;
use crate::geometry::{Geometry, GeometryError, Source, View};

const PROGRAM: &str = "LEAP";

/// Arguments of LEAP's `set_modularbeam`, under its names.
#[derive(Clone, Debug, PartialEq)]
pub struct ModularBeam {
    /// Number of detector rows.
    pub num_rows: usize,
    /// Number of detector columns.
    pub num_cols: usize,
    /// Distance between rows, in millimetres.
    pub pixel_height: f64,
    /// Distance between columns, in millimetres.
    pub pixel_width: f64,
    /// Focal spot of each view, in millimetres.
    pub source_positions: Vec<[f64; 3]>,
    /// Detector centre of each view, in millimetres.
    pub module_centers: Vec<[f64; 3]>,
    /// Unit vector from row to row of each view.
    pub row_vectors: Vec<[f64; 3]>,
    /// Unit vector from column to column of each view.
    pub col_vectors: Vec<[f64; 3]>,
}

/// Views as a modular beam.
///
/// # Errors
/// [`GeometryError::Inexpressible`] for parallel rays or a pitch that changes from view to view.
pub fn to_modular_beam(geometry: &Geometry) -> Result<ModularBeam, GeometryError> {
    let [pixel_width, pixel_height] = common_pitch_mm(geometry, PROGRAM)?;
    let views = geometry.views();
    let sources = views.iter().enumerate().map(|(view, v)| match v.source {
        Source::Point(source) => Ok(source.to_array()),
        Source::Direction(_) => {
            Err(GeometryError::Inexpressible { view, program: PROGRAM, reason: "a modular beam needs a focal spot" })
        }
    });
    let collect = |f: fn(&View) -> DVec3| views.iter().map(|v| f(v).to_array()).collect();
    Ok(ModularBeam {
        num_rows: geometry.detector()[1],
        num_cols: geometry.detector()[0],
        pixel_height,
        pixel_width,
        source_positions: sources.collect::<Result<_, _>>()?,
        module_centers: collect(|v| v.detector_centre),
        row_vectors: collect(|v| v.v_step.normalize()),
        col_vectors: collect(|v| v.u_step.normalize()),
    })
}

/// Geometry of a modular beam.
///
/// # Errors
/// [`GeometryError::Value`] when the lists differ in length, and what [`Geometry::new`] refuses.
pub fn from_modular_beam(beam: &ModularBeam) -> Result<Geometry, GeometryError> {
    let count = beam.source_positions.len();
    for (field, got) in [
        ("module_centers", beam.module_centers.len()),
        ("row_vectors", beam.row_vectors.len()),
        ("col_vectors", beam.col_vectors.len()),
    ] {
        if got != count {
            let allowed = format!("as many as source_positions ({count})");
            return Err(GeometryError::Value { field, allowed, got: got.to_string() });
        }
    }
    let views = (0..count).map(|k| View {
        source: Source::Point(beam.source_positions[k].into()),
        detector_centre: beam.module_centers[k].into(),
        u_step: beam.pixel_width * DVec3::from(beam.col_vectors[k]),
        v_step: beam.pixel_height * DVec3::from(beam.row_vectors[k]),
    });
    Geometry::new([beam.num_cols, beam.num_rows], views.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Scan, convert::testing};

    #[test]
    fn views_survive_a_round_trip() {
        for kind in ["cone-circular", "tomosynthesis-linear", "tomosynthesis-arc", "helical", "vectors"] {
            let geometry = testing::example(kind);
            let back = from_modular_beam(&to_modular_beam(&geometry).unwrap()).unwrap();
            testing::assert_same(&back, &geometry);
        }
    }

    #[test]
    fn rows_run_along_v_and_columns_along_u() {
        let beam = to_modular_beam(&testing::example("cone-circular")).unwrap();
        assert_eq!((beam.row_vectors[0], beam.col_vectors[0]), ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0]));
    }

    #[test]
    fn what_leap_cannot_say_is_refused() {
        let error = to_modular_beam(&testing::example("parallel")).unwrap_err().to_string();
        assert_eq!(error, "view 0 cannot be written for LEAP: a modular beam needs a focal spot");
        let Scan::Vectors(mut scan) = Scan::from_toml(Scan::example("vectors").unwrap()).unwrap() else { panic!() };
        scan.views[1].v_step_mm[2] = 3.0;
        let error = to_modular_beam(&scan.build().unwrap()).unwrap_err().to_string();
        assert_eq!(error, "view 1 cannot be written for LEAP: its pixel pitch differs from that of view 0");
        let mut beam = to_modular_beam(&testing::example("vectors")).unwrap();
        beam.row_vectors.pop();
        let error = from_modular_beam(&beam).unwrap_err().to_string();
        assert_eq!(error, "row_vectors must be as many as source_positions (2), got 1");
    }
}
