use glam::DVec3;

use super::GeometryError;

/// Largest number of pixels along one axis of a detector, or of views.
const MAX_COUNT: usize = 1 << 16;

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
    /// World position of a pixel given in fractional column and row; integers are pixel centres.
    #[must_use]
    pub fn pixel_mm(&self, detector: [usize; 2], column: f64, row: f64) -> DVec3 {
        let [nu, nv] = detector.map(|n| (n as f64 - 1.0) / 2.0);
        self.detector_centre + (column - nu) * self.u_step + (row - nv) * self.v_step
    }

    /// The ray to a pixel: a point on it and its unit direction. For a focal spot the point is the spot;
    /// for parallel rays it is the pixel itself.
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
        for (field, got) in [("detector columns", detector[0]), ("detector rows", detector[1]), ("views", views.len())]
        {
            if !(1..=MAX_COUNT).contains(&got) {
                return Err(GeometryError::Count { field, got, max: MAX_COUNT });
            }
        }
        for (index, view) in views.iter().enumerate() {
            check(index, view)?;
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
}

fn check(index: usize, view: &View) -> Result<(), GeometryError> {
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
