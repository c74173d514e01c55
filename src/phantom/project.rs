use super::Phantom;
use crate::{
    data::{DataError, Projections, Unit},
    geometry::{Geometry, Source},
    parallel::*,
};

impl Phantom {
    /// Exact line integral of the phantom along the ray to the centre of every pixel.
    ///
    /// A ray from a focal spot counts from the spot to the pixel. Parallel rays have no such ends: the whole line
    /// counts, wherever the detector stands. Rows run in parallel; the values do not depend on how many threads do.
    ///
    /// # Errors
    /// [`DataError`] when the geometry has more pixels than a projection stack may hold.
    pub fn project(&self, geometry: &Geometry) -> Result<Projections, DataError> {
        let detector = geometry.detector();
        let [columns, rows] = detector;
        let stack = |values| {
            Projections::new(geometry.views().len(), detector, geometry.pitch_mm(), Unit::LineIntegral, values)
        };
        // The size is refused before its memory is asked for.
        if let Err(refusal @ DataError::TooLarge { .. }) = stack(Vec::new()) {
            return Err(refusal);
        }
        let mut values = vec![0.0; geometry.value_count()];
        values.par_chunks_mut(columns).enumerate().for_each_init(Vec::new, |hits, (line, pixels)| {
            let (view, row) = (&geometry.views()[line / rows], line % rows);
            for (column, pixel) in pixels.iter_mut().enumerate() {
                let (origin, direction) = view.ray(detector, column as f64, row as f64);
                let limits = match view.source {
                    Source::Point(_) => (0.0, view.pixel_mm(detector, column as f64, row as f64).distance(origin)),
                    Source::Direction(_) => (f64::NEG_INFINITY, f64::INFINITY),
                };
                // Adding 0 turns the −0 of an empty sum into 0.
                *pixel = self.integrate(origin, direction, limits, hits) as f32 + 0.0;
            }
        });
        stack(values)
    }
}

#[cfg(test)]
mod tests {
    use glam::{DQuat, DVec3};

    use super::*;
    use crate::{
        geometry::View,
        phantom::{Rule, Shape},
    };

    fn ball() -> Phantom {
        let ball = Shape::ellipsoid(DVec3::ZERO, DVec3::splat(30.0), DQuat::IDENTITY).unwrap();
        Phantom::new(Rule::Add, vec![(ball, 0.02)])
    }

    fn geometry(source: Source, detector_y_mm: f64) -> Geometry {
        let detector_centre = DVec3::new(0.0, detector_y_mm, 0.0);
        let view = View { source, detector_centre, u_step: DVec3::X, v_step: DVec3::Z };
        Geometry::new([81, 5], vec![view]).unwrap()
    }

    #[test]
    fn cone_rays_through_a_ball_have_their_closed_form() {
        let source = DVec3::new(0.0, -200.0, 0.0);
        let found = ball().project(&geometry(Source::Point(source), 100.0)).unwrap();
        assert_eq!(found.unit(), Unit::LineIntegral);
        for (index, &value) in found.values().iter().enumerate() {
            let (u, v) = ((index % 81) as f64 - 40.0, (index / 81) as f64 - 2.0);
            let direction = DVec3::new(u, 300.0, v).normalize();
            let distance = direction.cross(source).length();
            let want = 0.02 * 2.0 * (30.0_f64.powi(2) - distance.powi(2)).max(0.0).sqrt();
            assert!((f64::from(value) - want).abs() <= 1e-7 * want.max(1.0), "({u}, {v}): {value}, want {want}");
        }
    }

    #[test]
    fn a_stack_beyond_all_memory_is_refused() {
        let view = geometry(Source::Direction(DVec3::Y), 0.0).views()[0];
        let huge = Geometry::new([1 << 16, 1 << 16], vec![view; 3]).unwrap();
        assert!(matches!(ball().project(&huge), Err(DataError::TooLarge { .. })));
    }

    #[test]
    fn a_detector_inside_the_body_ends_the_ray_of_a_spot_but_not_a_parallel_ray() {
        let centre = 81 * 2 + 40;
        let spot = geometry(Source::Point(DVec3::new(0.0, -200.0, 0.0)), 0.0);
        assert_eq!(ball().project(&spot).unwrap().values()[centre], 0.6);
        let parallel = geometry(Source::Direction(DVec3::Y), 0.0);
        assert_eq!(ball().project(&parallel).unwrap().values()[centre], 1.2);
    }
}
