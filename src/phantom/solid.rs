//! The unit solids of which every shape is an affine image, in their own coordinates.

use glam::DVec3;

/// How a box lies to a convex body. `Crossing` is the answer in doubt: it may name a box that is clear of the surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Inside,
    Outside,
    Crossing,
}

/// A closed convex body about the origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Solid {
    /// x² + y² + z² ≤ 1.
    Ball,
    /// |x|, |y|, |z| ≤ 1.
    Cube,
    /// x² + y² ≤ 1, |z| ≤ 1.
    Cylinder,
    /// All points within 1 of the segment |z| ≤ `half_length` on the axis.
    Capsule { half_length: f64 },
}

impl Solid {
    pub(super) fn contains(self, p: DVec3) -> bool {
        match self {
            Self::Ball => p.length_squared() <= 1.0,
            Self::Cube => p.abs().max_element() <= 1.0,
            Self::Cylinder => p.truncate().length_squared() <= 1.0 && p.z.abs() <= 1.0,
            Self::Capsule { half_length } => beyond(p.abs(), half_length).length_squared() <= 1.0,
        }
    }

    /// Parameters of entry and exit of the line `p + t·d`; `None` where they are not in this order.
    pub(super) fn interval(self, p: DVec3, d: DVec3) -> Option<(f64, f64)> {
        match self {
            Self::Ball => ball(p, d),
            Self::Cube => {
                let (x, y, z) = (slab(p.x, d.x, 1.0)?, slab(p.y, d.y, 1.0)?, slab(p.z, d.z, 1.0)?);
                meet(meet(x, y)?, z)
            }
            Self::Cylinder => meet(tube(p, d)?, slab(p.z, d.z, 1.0)?),
            // A capsule is the union of three convex bodies and convex itself: its interval is the hull of theirs.
            Self::Capsule { half_length } => {
                let end = DVec3::Z * half_length;
                let trunk = tube(p, d).and_then(|t| slab(p.z, d.z, half_length).and_then(|s| meet(t, s)));
                [trunk, ball(p - end, d), ball(p + end, d)]
                    .into_iter()
                    .flatten()
                    .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            }
        }
    }

    /// How the box of half-extents `half` about `p` lies to the solid.
    pub(super) fn relation(self, p: DVec3, half: DVec3) -> Relation {
        let nearest = (p.abs() - half).max(DVec3::ZERO);
        let farthest = p.abs() + half;
        let (inside, outside) = match self {
            Self::Ball => (farthest.length_squared() <= 1.0, nearest.length_squared() > 1.0),
            Self::Cube => (farthest.max_element() <= 1.0, nearest.max_element() > 1.0),
            Self::Cylinder => (
                farthest.truncate().length_squared() <= 1.0 && farthest.z <= 1.0,
                nearest.truncate().length_squared() > 1.0 || nearest.z > 1.0,
            ),
            Self::Capsule { half_length } => (
                beyond(farthest, half_length).length_squared() <= 1.0,
                beyond(nearest, half_length).length_squared() > 1.0,
            ),
        };
        match (inside, outside) {
            (true, _) => Relation::Inside,
            (_, true) => Relation::Outside,
            _ => Relation::Crossing,
        }
    }
}

/// From the nearest point of a capsule's segment to a point of the first octant.
fn beyond(p: DVec3, half_length: f64) -> DVec3 {
    p.with_z((p.z - half_length).max(0.0))
}

/// The line through the unit ball. Distances are taken from the point of closest approach, not from `p`, so that a
/// far source costs no digits: |p|² − 1 would lose them all for a ball of 1 mm seen from 2 m.
fn ball(p: DVec3, d: DVec3) -> Option<(f64, f64)> {
    let squared = d.length_squared();
    let closest = -p.dot(d) / squared;
    chord(closest, 1.0 - (p + closest * d).length_squared(), squared)
}

/// The line through the infinite cylinder of radius 1 about the z axis.
fn tube(p: DVec3, d: DVec3) -> Option<(f64, f64)> {
    let (p, d) = (p.truncate(), d.truncate());
    let squared = d.length_squared();
    if squared == 0.0 {
        return (p.length_squared() <= 1.0).then_some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let closest = -p.dot(d) / squared;
    chord(closest, 1.0 - (p + closest * d).length_squared(), squared)
}

fn chord(closest: f64, room: f64, squared: f64) -> Option<(f64, f64)> {
    (room > 0.0).then(|| {
        let half = (room / squared).sqrt();
        (closest - half, closest + half)
    })
}

/// The line through the slab |x| ≤ `half`; a line within one of its faces belongs to it.
fn slab(p: f64, d: f64, half: f64) -> Option<(f64, f64)> {
    if d == 0.0 {
        return (p.abs() <= half).then_some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let (a, b) = ((-half - p) / d, (half - p) / d);
    Some((a.min(b), a.max(b)))
}

/// What two intervals share, if it has a length.
pub(super) fn meet(a: (f64, f64), b: (f64, f64)) -> Option<(f64, f64)> {
    let (enter, exit) = (a.0.max(b.0), a.1.min(b.1));
    (enter < exit).then_some((enter, exit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPSULE: Solid = Solid::Capsule { half_length: 2.0 };
    const ALL: [Solid; 4] = [Solid::Ball, Solid::Cube, Solid::Cylinder, CAPSULE];

    #[test]
    fn axis_parallel_rays_have_their_closed_forms() {
        let along_x = |solid: Solid, y, z| solid.interval(DVec3::new(-5.0, y, z), DVec3::X);
        assert_eq!(along_x(Solid::Ball, 0.6, 0.0), Some((4.2, 5.8)));
        assert_eq!(along_x(Solid::Cube, 0.3, -0.9), Some((4.0, 6.0)));
        assert_eq!(along_x(Solid::Cylinder, 0.6, 0.5), Some((4.2, 5.8)));
        assert_eq!(along_x(CAPSULE, 0.6, 1.5), Some((4.2, 5.8)));
        let along_z = |solid: Solid, x| solid.interval(DVec3::new(x, 0.0, -5.0), DVec3::Z);
        assert_eq!(along_z(Solid::Cylinder, 0.6), Some((4.0, 6.0)));
        assert_eq!(along_z(CAPSULE, 0.0), Some((2.0, 8.0)));
    }

    #[test]
    fn tangent_and_missing_rays_give_nothing() {
        for solid in ALL {
            for y in [1.0 + 1e-12, 1.5, 1e9] {
                assert_eq!(solid.interval(DVec3::new(-5.0, y, 0.0), DVec3::X), None, "{solid:?} at {y}");
            }
        }
        assert_eq!(Solid::Ball.interval(DVec3::new(-5.0, 1.0, 0.0), DVec3::X), None);
    }

    #[test]
    fn rays_within_a_face_belong_to_the_closed_solid() {
        assert_eq!(Solid::Cube.interval(DVec3::new(-5.0, 1.0, 1.0), DVec3::X), Some((4.0, 6.0)));
        assert_eq!(Solid::Cylinder.interval(DVec3::new(-5.0, 0.0, 1.0), DVec3::X), Some((4.0, 6.0)));
        assert_eq!(Solid::Cylinder.interval(DVec3::new(1.0, 0.0, -5.0), DVec3::Z), Some((4.0, 6.0)));
    }

    #[test]
    fn nearly_axis_parallel_rays_keep_their_length() {
        for tilt in [1e-8, 1e-17, 1e-170, 5e-324] {
            let (enter, exit) =
                Solid::Cylinder.interval(DVec3::new(0.5, 0.0, -5.0), DVec3::new(tilt, 0.0, 1.0)).unwrap();
            assert!((exit - enter - 2.0).abs() < 1e-12, "{tilt}: {enter} {exit}");
        }
    }

    #[test]
    fn relation_never_contradicts_contains() {
        let half = DVec3::new(0.2, 0.1, 0.3);
        for solid in ALL {
            let mut seen = [0; 3];
            for index in 0..20 * 20 * 20 {
                let grid = DVec3::new((index % 20) as f64, (index / 20 % 20) as f64, (index / 400) as f64);
                let centre = grid * 0.35 - 3.3;
                let relation = solid.relation(centre, half);
                seen[relation as usize] += 1;
                for corner in 0..8 {
                    let sign = DVec3::from_array([0, 1, 2].map(|axis| f64::from(corner >> axis & 1) * 2.0 - 1.0));
                    let inside = solid.contains(centre + sign * half);
                    assert!(relation != Relation::Inside || inside, "{solid:?} {centre}");
                    assert!(relation != Relation::Outside || !inside, "{solid:?} {centre}");
                }
            }
            assert!(seen.iter().all(|&count| count > 0), "{solid:?}: {seen:?}");
        }
    }
}
