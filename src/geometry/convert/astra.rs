//! ASTRA toolbox: `cone_vec` and `parallel3d_vec`, twelve numbers a view.
//!
//! ASTRA's axes are kerma's: a volume is indexed `[z][y][x]` with x, y and z growing with their indices, detector rows
//! grow along v and columns along u, and the detector vectors join pixel centres. Two things differ:
//!
//! - **Unit.** ASTRA's default volume has voxels of size 1 centred on the origin, so lengths count voxels. Pass the
//!   voxel size as `voxel_mm`, or 1.0 for a volume geometry whose window is given in millimetres.
//! - **Order.** ASTRA stores projections `[v][view][u]`, kerma `[view][v][u]`.
//!
//! Twelve numbers: source (or ray direction), detector centre, step from column to column, step from row to row.

use glam::DVec3;

use crate::geometry::{Geometry, GeometryError, Source, View, check};

const PROGRAM: &str = "ASTRA";

/// Focal-spot views as rows of a `cone_vec` geometry.
///
/// # Errors
/// [`GeometryError::Inexpressible`] for a view of parallel rays, and a voxel size that is not positive.
pub fn to_cone_vec(geometry: &Geometry, voxel_mm: f64) -> Result<Vec<[f64; 12]>, GeometryError> {
    check::positive_mm("voxel_mm", voxel_mm)?;
    let rows = geometry.views().iter().enumerate().map(|(k, view)| match view.source {
        Source::Point(source) => Ok(row(source / voxel_mm, view, voxel_mm)),
        Source::Direction(_) => Err(inexpressible(k, "cone_vec needs a focal spot")),
    });
    rows.collect()
}

/// Geometry of the rows of a `cone_vec` geometry with `[columns, rows]` pixels.
///
/// # Errors
/// What [`Geometry::new`] refuses, and a voxel size that is not positive.
pub fn from_cone_vec(detector: [usize; 2], rows: &[[f64; 12]], voxel_mm: f64) -> Result<Geometry, GeometryError> {
    check::positive_mm("voxel_mm", voxel_mm)?;
    let views = rows.iter().map(|row| view(Source::Point(vector(row, 0) * voxel_mm), row, voxel_mm));
    Geometry::new(detector, views.collect())
}

/// Parallel views as rows of a `parallel3d_vec` geometry.
///
/// ASTRA's own constructors let the direction point from the detector towards the source; it integrates along the whole
/// line, so the sign has no effect there. It is kept as ASTRA writes it.
///
/// # Errors
/// [`GeometryError::Inexpressible`] for a view with a focal spot, and a voxel size that is not positive.
pub fn to_parallel3d_vec(geometry: &Geometry, voxel_mm: f64) -> Result<Vec<[f64; 12]>, GeometryError> {
    check::positive_mm("voxel_mm", voxel_mm)?;
    let rows = geometry.views().iter().enumerate().map(|(k, view)| match view.source {
        Source::Direction(direction) => Ok(row(-direction, view, voxel_mm)),
        Source::Point(_) => Err(inexpressible(k, "parallel3d_vec needs parallel rays")),
    });
    rows.collect()
}

/// Geometry of the rows of a `parallel3d_vec` geometry with `[columns, rows]` pixels.
///
/// Directions may have any length but zero.
///
/// # Errors
/// What [`Geometry::new`] refuses, and a voxel size that is not positive.
pub fn from_parallel3d_vec(detector: [usize; 2], rows: &[[f64; 12]], voxel_mm: f64) -> Result<Geometry, GeometryError> {
    check::positive_mm("voxel_mm", voxel_mm)?;
    let views = rows.iter().map(|row| view(Source::Direction(-vector(row, 0).normalize()), row, voxel_mm));
    Geometry::new(detector, views.collect())
}

fn inexpressible(view: usize, reason: &'static str) -> GeometryError {
    GeometryError::Inexpressible { view, program: PROGRAM, reason }
}

fn row(source: DVec3, view: &View, voxel_mm: f64) -> [f64; 12] {
    let vectors = [source, view.detector_centre / voxel_mm, view.u_step / voxel_mm, view.v_step / voxel_mm];
    std::array::from_fn(|i| vectors[i / 3][i % 3])
}

fn vector(row: &[f64; 12], index: usize) -> DVec3 {
    DVec3::from_slice(&row[3 * index..])
}

fn view(source: Source, row: &[f64; 12], voxel_mm: f64) -> View {
    View {
        source,
        detector_centre: vector(row, 1) * voxel_mm,
        u_step: vector(row, 2) * voxel_mm,
        v_step: vector(row, 3) * voxel_mm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::convert::testing::example;

    #[test]
    fn views_survive_a_round_trip() {
        // A voxel of a power of two makes scaling exact, so the comparison can be, too.
        for voxel_mm in [1.0, 0.5] {
            for kind in ["cone-circular", "tomosynthesis-linear", "helical", "vectors"] {
                let geometry = example(kind);
                let rows = to_cone_vec(&geometry, voxel_mm).unwrap();
                assert_eq!(from_cone_vec(geometry.detector(), &rows, voxel_mm).unwrap(), geometry, "{kind}");
            }
            let parallel = example("parallel");
            let rows = to_parallel3d_vec(&parallel, voxel_mm).unwrap();
            let back = from_parallel3d_vec(parallel.detector(), &rows, voxel_mm).unwrap();
            for (got, want) in back.views().iter().zip(parallel.views()) {
                assert_eq!((got.detector_centre, got.u_step, got.v_step), (DVec3::ZERO, want.u_step, want.v_step));
                let (Source::Direction(a), Source::Direction(b)) = (got.source, want.source) else { panic!() };
                assert!(a.distance(b) < 1e-15);
            }
        }
    }

    #[test]
    fn a_quarter_turn_has_the_numbers_astra_writes() {
        // The documented expansion of ASTRA's `cone`: source (sin a, −cos a, 0)·DSO, detector (−sin a, cos a, 0)·DOD.
        let rows = to_cone_vec(&example("cone-circular"), 2.0).unwrap();
        assert_eq!(rows[45], [500.0, 0.0, 0.0, -250.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn the_wrong_kind_of_beam_is_refused() {
        let error = to_cone_vec(&example("parallel"), 1.0).unwrap_err().to_string();
        assert_eq!(error, "view 0 cannot be written for ASTRA: cone_vec needs a focal spot");
        assert!(to_parallel3d_vec(&example("radiograph"), 1.0).is_err());
    }
}
