use glam::{DMat3, DQuat, DVec3};

use super::{
    PhantomError,
    solid::{Relation, Solid, meet},
};

/// All points `p` with `normal · p ≤ offset_mm`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HalfSpace {
    normal: DVec3,
    offset_mm: f64,
}

impl HalfSpace {
    /// Half-space behind the plane at distance `offset_mm` from the origin along `normal`, which need not be a unit
    /// vector.
    ///
    /// # Errors
    /// [`PhantomError`] when the normal has no length or a number is not finite.
    pub fn below(normal: DVec3, offset_mm: f64) -> Result<Self, PhantomError> {
        let shape = "half-space";
        if !(normal.is_finite() && offset_mm.is_finite()) {
            return Err(PhantomError::NotFinite { shape, field: "plane" });
        }
        let normal = normal.try_normalize().ok_or(PhantomError::NoDirection { shape, field: "normal" })?;
        Ok(Self { normal, offset_mm })
    }

    /// The other side of the same plane: all points with `normal · p ≥ offset_mm`.
    ///
    /// # Errors
    /// As [`HalfSpace::below`].
    pub fn above(normal: DVec3, offset_mm: f64) -> Result<Self, PhantomError> {
        Self::below(-normal, -offset_mm)
    }

    fn contains(&self, p: DVec3) -> bool {
        self.normal.dot(p) <= self.offset_mm
    }

    fn interval(&self, origin: DVec3, direction: DVec3) -> Option<(f64, f64)> {
        let (speed, room) = (self.normal.dot(direction), self.offset_mm - self.normal.dot(origin));
        match speed {
            0.0 => (room >= 0.0).then_some((f64::NEG_INFINITY, f64::INFINITY)),
            s if s > 0.0 => Some((f64::NEG_INFINITY, room / s)),
            s => Some((room / s, f64::INFINITY)),
        }
    }

    pub(super) fn relation(&self, centre: DVec3, half: DVec3) -> Relation {
        let (depth, reach) = (self.offset_mm - self.normal.dot(centre), self.normal.abs().dot(half));
        match depth {
            d if d >= reach => Relation::Inside,
            d if d < -reach => Relation::Outside,
            _ => Relation::Crossing,
        }
    }
}

/// A closed convex body in the world frame, in millimetres: what a ray meets in one interval.
///
/// Every shape is the affine image of a unit ball, cube, cylinder or capsule, cut by any number of half-spaces. All
/// sizes are half-sizes: semi-axes, radii, half-lengths. Because shapes are closed, a ray that runs within a face
/// counts as inside.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    solid: Solid,
    centre: DVec3,
    axes: DMat3,
    to_local: DMat3,
    clips: Vec<HalfSpace>,
}

impl Shape {
    /// Ellipsoid with the given semi-axes along x, y, z, then rotated about its centre.
    ///
    /// # Errors
    /// [`PhantomError`] when a semi-axis is not positive or a number is not finite.
    pub fn ellipsoid(centre_mm: DVec3, semi_mm: DVec3, rotation: DQuat) -> Result<Self, PhantomError> {
        Self::place(Solid::Ball, "ellipsoid", "semi-axis", centre_mm, semi_mm, rotation)
    }

    /// Box with the given half-sizes along x, y, z, then rotated about its centre.
    ///
    /// # Errors
    /// [`PhantomError`] when a half-size is not positive or a number is not finite.
    pub fn cuboid(centre_mm: DVec3, half_mm: DVec3, rotation: DQuat) -> Result<Self, PhantomError> {
        Self::place(Solid::Cube, "box", "half-size", centre_mm, half_mm, rotation)
    }

    /// Elliptic cylinder with flat ends: semi-axes along x and y, axis along z, then rotated about its centre.
    ///
    /// # Errors
    /// [`PhantomError`] when a semi-axis or the half-length is not positive or a number is not finite.
    pub fn cylinder(
        centre_mm: DVec3,
        semi_mm: [f64; 2],
        half_length_mm: f64,
        rotation: DQuat,
    ) -> Result<Self, PhantomError> {
        let half = DVec3::new(semi_mm[0], semi_mm[1], half_length_mm);
        Self::place(Solid::Cylinder, "cylinder", "half-size", centre_mm, half, rotation)
    }

    /// All points within `radius_mm` of the segment between two points, which may coincide.
    ///
    /// # Errors
    /// [`PhantomError`] when the radius is not positive or a number is not finite.
    pub fn capsule(from_mm: DVec3, to_mm: DVec3, radius_mm: f64) -> Result<Self, PhantomError> {
        let across = (to_mm - from_mm).any_orthogonal_vector();
        Self::flat_capsule(from_mm, to_mm, [radius_mm, radius_mm], across)
    }

    /// Capsule of elliptic section: semi-axis `semi_mm[0]` in the direction of `across`, as far as it is at right
    /// angles to the segment, and `semi_mm[1]` at right angles to both. The rounded ends reach `semi_mm[0]` further
    /// than the segment.
    ///
    /// # Errors
    /// [`PhantomError`] when a semi-axis is not positive or a number is not finite.
    pub fn flat_capsule(from_mm: DVec3, to_mm: DVec3, semi_mm: [f64; 2], across: DVec3) -> Result<Self, PhantomError> {
        let along = (to_mm - from_mm).normalize_or(DVec3::Z);
        let second = along.cross(across).try_normalize().unwrap_or_else(|| along.any_orthonormal_vector());
        let rotation = DQuat::from_mat3(&DMat3::from_cols(second.cross(along), second, along));
        let half_length = from_mm.distance(to_mm) / (2.0 * semi_mm[0]);
        let semi = DVec3::new(semi_mm[0], semi_mm[1], semi_mm[0]);
        let solid = Solid::Capsule { half_length };
        Self::place(solid, "capsule", "radius", from_mm.midpoint(to_mm), semi, rotation)
    }

    fn place(
        solid: Solid,
        shape: &'static str,
        field: &'static str,
        centre: DVec3,
        half: DVec3,
        rotation: DQuat,
    ) -> Result<Self, PhantomError> {
        if !centre.is_finite() {
            return Err(PhantomError::NotFinite { shape, field: "position" });
        }
        if let Some(got) = half.to_array().into_iter().find(|h| !(h.is_finite() && *h > 0.0)) {
            return Err(PhantomError::Size { shape, field, got });
        }
        if !(rotation.is_finite() && rotation.length_squared() > 0.0) {
            return Err(PhantomError::NotFinite { shape, field: "rotation" });
        }
        let turn = DMat3::from_quat(rotation.normalize());
        Ok(Self {
            solid,
            centre,
            axes: turn * DMat3::from_diagonal(half),
            to_local: DMat3::from_diagonal(half.recip()) * turn.transpose(),
            clips: Vec::new(),
        })
    }

    /// The part of the shape that lies in a half-space too.
    #[must_use]
    pub fn clipped(mut self, by: HalfSpace) -> Self {
        self.clips.push(by);
        self
    }

    /// Whether a point lies in the shape, its surface included.
    #[must_use]
    pub fn contains(&self, point_mm: DVec3) -> bool {
        self.solid.contains(self.to_local * (point_mm - self.centre)) && self.clips.iter().all(|c| c.contains(point_mm))
    }

    /// Where the line `origin + t·direction` enters and leaves the shape, `t` in millimetres for a unit direction;
    /// `None` when it misses or only touches.
    #[must_use]
    pub fn interval(&self, origin_mm: DVec3, direction: DVec3) -> Option<(f64, f64)> {
        let local = self.to_local * (origin_mm - self.centre);
        let whole = self.solid.interval(local, self.to_local * direction)?;
        self.clips.iter().try_fold(whole, |rest, clip| meet(rest, clip.interval(origin_mm, direction)?))
    }

    /// How the box of half-extents `half` about a point lies to the shape.
    pub(super) fn relation(&self, centre: DVec3, half: DVec3) -> Relation {
        // The image of the box in local coordinates, boxed again.
        let local_half = abs(&self.to_local) * half;
        let mut answer = self.solid.relation(self.to_local * (centre - self.centre), local_half);
        for clip in &self.clips {
            answer = match (answer, clip.relation(centre, half)) {
                (Relation::Outside, _) | (_, Relation::Outside) => return Relation::Outside,
                (Relation::Inside, Relation::Inside) => Relation::Inside,
                _ => Relation::Crossing,
            };
        }
        answer
    }

    /// Corners of the box along the world's axes around the unclipped shape.
    pub(super) fn bounds(&self) -> (DVec3, DVec3) {
        let [x, y, z] = [self.axes.x_axis, self.axes.y_axis, self.axes.z_axis];
        let half = match self.solid {
            Solid::Ball => round_sum([x, y, z]),
            Solid::Cube => x.abs() + y.abs() + z.abs(),
            Solid::Cylinder => round_sum([x, y, DVec3::ZERO]) + z.abs(),
            Solid::Capsule { half_length } => round_sum([x, y, z]) + half_length * z.abs(),
        };
        (self.centre - half, self.centre + half)
    }

    /// The same, with what planes across the axes cut off.
    pub(super) fn clipped_bounds(&self) -> (DVec3, DVec3) {
        let (mut low, mut high) = self.bounds();
        for HalfSpace { normal, offset_mm } in &self.clips {
            for axis in 0..3 {
                if normal[axis] == 1.0 {
                    high[axis] = high[axis].min(*offset_mm);
                } else if normal[axis] == -1.0 {
                    low[axis] = low[axis].max(-offset_mm);
                }
            }
        }
        (low, high)
    }
}

/// Half-extents of the ellipsoid spanned by three vectors.
fn round_sum(spans: [DVec3; 3]) -> DVec3 {
    spans.into_iter().map(|v| v * v).sum::<DVec3>().map(f64::sqrt)
}

fn abs(matrix: &DMat3) -> DMat3 {
    DMat3::from_cols(matrix.x_axis.abs(), matrix.y_axis.abs(), matrix.z_axis.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_and_stretched_shapes_have_their_closed_forms() {
        let turn = DQuat::from_rotation_z(0.7);
        let centre = DVec3::new(3.0, -2.0, 1.0);
        let through = |shape: &Shape, direction: DVec3| {
            let (enter, exit) = shape.interval(centre - 2000.0 * direction, direction).unwrap();
            exit - enter
        };
        let half = DVec3::new(5.0, 2.0, 0.5);
        let ellipsoid = Shape::ellipsoid(centre, half, turn).unwrap();
        let cuboid = Shape::cuboid(centre, half, turn).unwrap();
        let cylinder = Shape::cylinder(centre, [5.0, 2.0], 0.5, turn).unwrap();
        for (axis, length) in [(DVec3::X, 10.0), (DVec3::Y, 4.0), (DVec3::Z, 1.0)] {
            for shape in [&ellipsoid, &cuboid, &cylinder] {
                assert!((through(shape, turn * axis) - length).abs() < 1e-11, "{axis}");
            }
        }
        // An oblique chord through the centre of an ellipsoid is 2/|d scaled by the semi-axes|.
        let local = DVec3::new(1.0, 2.0, 0.3).normalize();
        assert!((through(&ellipsoid, turn * local) - 2.0 / (local / half).length()).abs() < 1e-11);
    }

    #[test]
    fn a_small_ball_far_from_the_source_keeps_its_digits() {
        let ball = Shape::ellipsoid(DVec3::ZERO, DVec3::splat(0.5), DQuat::IDENTITY).unwrap();
        let (enter, exit) = ball.interval(DVec3::new(0.3, -1e6, 0.0), DVec3::Y).unwrap();
        assert!((exit - enter - 0.8).abs() < 1e-9, "{}", exit - enter);
    }

    #[test]
    fn planes_cut_a_ball_where_they_should() {
        let ball = Shape::ellipsoid(DVec3::ZERO, DVec3::splat(10.0), DQuat::IDENTITY).unwrap();
        let cap = ball
            .clipped(HalfSpace::above(DVec3::new(0.0, 0.0, 2.0), 3.0).unwrap())
            .clipped(HalfSpace::below(DVec3::X, 4.0).unwrap());
        assert!(cap.contains(DVec3::new(0.0, 0.0, 3.5)) && !cap.contains(DVec3::new(0.0, 0.0, 2.5)));
        for (origin, direction, want) in
            [(DVec3::new(0.0, 0.0, -50.0), DVec3::Z, (53.0, 60.0)), (DVec3::new(0.0, 0.0, 6.0), DVec3::X, (-8.0, 4.0))]
        {
            let (enter, exit) = cap.interval(origin, direction).unwrap();
            assert!((enter - want.0).abs() < 1e-12 && (exit - want.1).abs() < 1e-12, "{enter} {exit}");
        }
        // Within the cutting plane: its points belong to the half-space; beyond it there is nothing.
        assert!(cap.interval(DVec3::new(0.0, 0.0, 3.0), DVec3::Y).is_some());
        assert_eq!(cap.interval(DVec3::new(0.0, 0.0, 2.9), DVec3::Y), None);
        assert_eq!(cap.interval(DVec3::new(5.0, 0.0, 6.0), DVec3::Y), None);
    }

    #[test]
    fn a_capsule_of_no_length_is_a_ball() {
        let capsule = Shape::capsule(DVec3::ONE, DVec3::ONE, 2.0).unwrap();
        let (enter, exit) = capsule.interval(DVec3::new(1.0, 1.0, -10.0), DVec3::Z).unwrap();
        assert!((enter - 9.0).abs() < 1e-12 && (exit - 13.0).abs() < 1e-12);
    }

    #[test]
    fn unusable_parameters_are_refused_by_name() {
        let message = |result: Result<Shape, PhantomError>| result.unwrap_err().to_string();
        let (zero, one, still) = (DVec3::ZERO, DVec3::ONE, DQuat::IDENTITY);
        let flat = Shape::ellipsoid(zero, one.with_y(-1.0), still);
        assert_eq!(message(flat), "ellipsoid semi-axis must be positive, got -1 mm");
        assert_eq!(message(Shape::cuboid(zero * f64::NAN, one, still)), "box position must be finite");
        assert_eq!(message(Shape::capsule(zero, one, 0.0)), "capsule radius must be positive, got 0 mm");
        let no_turn = Shape::cylinder(zero, [1.0; 2], 1.0, DQuat::from_xyzw(0.0, 0.0, 0.0, 0.0));
        assert_eq!(message(no_turn), "cylinder rotation must be finite");
        let plane = HalfSpace::below(zero, 1.0).unwrap_err();
        assert_eq!(plane.to_string(), "half-space normal must not have zero length");
    }
}
