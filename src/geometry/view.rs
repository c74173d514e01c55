use glam::DVec3;

use super::{DetectorAxis, GeometryError, check};
use crate::data::Grid;

/// Deviation of a direction's length from 1 that rounding may cause.
const UNIT_TOLERANCE: f64 = 1e-12;

/// Where the rays of one view come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// A focal spot, in millimetres.
    Point(DVec3),
    /// Parallel rays along this unit vector, from the source towards the detector.
    Direction(DVec3),
}

/// Position of source and detector for one view, in the world frame and in millimetres.
///
/// Pixel `(i, j)` has its centre at `detector_centre + (i − (nu−1)/2)·u_step + (j − (nv−1)/2)·v_step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Where the rays come from.
    pub source: Source,
    /// Centre of the detector's pixel array.
    pub detector_centre: DVec3,
    /// From one pixel to the next along u (columns); its length is the pitch.
    pub u_step: DVec3,
    /// From one pixel to the next along v (rows); its length is the pitch.
    pub v_step: DVec3,
}

impl View {
    /// From one pixel to the next along `axis`.
    #[must_use]
    pub fn step(&self, axis: DetectorAxis) -> DVec3 {
        match axis {
            DetectorAxis::U => self.u_step,
            DetectorAxis::V => self.v_step,
        }
    }

    /// World position of a pixel given in fractional column and row; integers are pixel centres.
    #[must_use]
    pub fn pixel_mm(&self, detector: [usize; 2], column: f64, row: f64) -> DVec3 {
        let [nu, nv] = detector.map(|n| (n as f64 - 1.0) / 2.0);
        self.detector_centre + (column - nu) * self.u_step + (row - nv) * self.v_step
    }

    /// The ray to a pixel: a point on it and its unit direction.
    ///
    /// For a focal spot the point is the spot; for parallel rays it is the pixel itself.
    #[must_use]
    pub fn ray(&self, detector: [usize; 2], column: f64, row: f64) -> (DVec3, DVec3) {
        let pixel = self.pixel_mm(detector, column, row);
        match self.source {
            Source::Point(source) => (source, (pixel - source).normalize()),
            Source::Direction(direction) => (pixel, direction),
        }
    }
}

/// Views of one flat detector: all that projectors and reconstructions know of a scanner.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    detector: [usize; 2],
    views: Vec<View>,
}

impl Geometry {
    /// Geometry from explicit views of a detector with `[columns (u), rows (v)]` pixels.
    ///
    /// # Errors
    /// [`GeometryError`] when there is no view or pixel, a vector is not finite or degenerate, or a detector faces
    /// away from its source.
    pub fn new(detector: [usize; 2], views: Vec<View>) -> Result<Self, GeometryError> {
        check::count("detector columns", detector[0])?;
        check::count("detector rows", detector[1])?;
        check::count("views", views.len())?;
        for (index, view) in views.iter().enumerate() {
            check_view(index, view)?;
        }
        Ok(Self { detector, views })
    }

    /// Number of detector columns (u) and rows (v).
    #[must_use]
    pub fn detector(&self) -> [usize; 2] {
        self.detector
    }

    /// The views, in scan order.
    #[must_use]
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// Number of values of a projection stack in this geometry.
    #[must_use]
    pub fn value_count(&self) -> usize {
        self.views.len() * self.detector[0] * self.detector[1]
    }

    /// Distance between pixels along u and v of the first view, in millimetres.
    #[must_use]
    pub fn pitch_mm(&self) -> [f64; 2] {
        [self.views[0].u_step.length(), self.views[0].v_step.length()]
    }

    /// Checks that every focal spot stands outside the object's box, as a projector needs.
    ///
    /// A detector inside the box is allowed: rays end at its pixels.
    ///
    /// # Errors
    /// [`GeometryError::SourceInside`] for the first focal spot in the box or on its surface.
    pub fn outside(&self, grid: &Grid) -> Result<(), GeometryError> {
        let [nx, ny, nz] = grid.size().map(|n| n as f64 - 0.5);
        let last_face = DVec3::new(nx, ny, nz);
        for (view, source) in self.views.iter().map(|v| v.source).enumerate() {
            let Source::Point(source) = source else { continue };
            let index = grid.index_of(source);
            if index.cmpge(DVec3::splat(-0.5)).all() && index.cmple(last_face).all() {
                let source_mm = source.to_array();
                return Err(GeometryError::SourceInside { view, source_mm, grid: grid.to_string() });
            }
        }
        Ok(())
    }
}

fn check_view(index: usize, view: &View) -> Result<(), GeometryError> {
    let source = match view.source {
        Source::Point(p) | Source::Direction(p) => p,
    };
    for (field, vector) in [
        ("source", source),
        ("detector_centre", view.detector_centre),
        ("u_step", view.u_step),
        ("v_step", view.v_step),
    ] {
        if !vector.is_finite() {
            return Err(GeometryError::NotFinite { view: index, field });
        }
    }
    if let Source::Direction(direction) = view.source {
        let got = direction.length();
        if (got - 1.0).abs() > UNIT_TOLERANCE {
            return Err(GeometryError::NotUnit { view: index, got });
        }
    }
    let normal = view.u_step.cross(view.v_step);
    let area = view.u_step.length() * view.v_step.length();
    if area == 0.0 || normal.length() < 1e-6 * area {
        return Err(GeometryError::FlatPixels { view: index });
    }
    let towards = match view.source {
        Source::Point(p) => view.detector_centre - p,
        Source::Direction(d) => d,
    };
    if towards.length() == 0.0 || normal.dot(towards).abs() < 1e-9 * normal.length() * towards.length() {
        return Err(GeometryError::EdgeOn { view: index });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(source: Source) -> View {
        View { source, detector_centre: 500.0 * DVec3::Y, u_step: DVec3::X, v_step: DVec3::Z }
    }

    #[test]
    fn a_source_inside_the_object_is_refused() {
        let grid = Grid::centred([10, 10, 10], [2.0, 2.0, 2.0]).unwrap();
        let check = |y: f64| {
            let source = Source::Point(DVec3::new(0.0, y, 0.0));
            Geometry::new([4, 4], vec![view(Source::Direction(DVec3::Y)), view(source)]).unwrap().outside(&grid)
        };
        assert_eq!(check(-10.01), Ok(()));
        assert_eq!(
            check(-10.0).unwrap_err().to_string(),
            "view 1: the source at [0.0, -10.0, 0.0] mm lies inside the volume 10x10x10@2x2x2"
        );
        assert!(check(3.0).is_err());
    }

    #[test]
    fn a_direction_must_be_a_unit_vector() {
        let error = Geometry::new([4, 4], vec![view(Source::Direction(2.0 * DVec3::Y))]).unwrap_err();
        assert_eq!(error.to_string(), "view 0: direction must have length 1, got 2");
    }
}
