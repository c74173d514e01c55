use std::collections::BinaryHeap;

use glam::DVec3;

use super::{Shape, solid::meet, tree::Tree};

/// What holds where shapes overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The values of all shapes at a point add up (Shepp–Logan).
    Add,
    /// The last shape of the list that holds the point decides (FORBILD, chest).
    Overwrite,
}

/// Shapes with one value each, in mm⁻¹, and the rule for where they overlap; 0 outside all of them.
#[derive(Clone, Debug)]
pub struct Phantom {
    pub(super) parts: Vec<(Shape, f64)>,
    pub(super) rule: Rule,
    tree: Tree,
}

/// Where a ray runs within one shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    enter: f64,
    exit: f64,
    part: usize,
}

impl Phantom {
    /// Phantom from its shapes, the first at the bottom.
    #[must_use]
    pub fn new(rule: Rule, parts: Vec<(Shape, f64)>) -> Self {
        let tree = Tree::new(parts.iter().map(|(shape, _)| shape));
        Self { parts, rule, tree }
    }

    /// The shapes and their values in mm⁻¹, the first at the bottom.
    #[must_use]
    pub fn parts(&self) -> &[(Shape, f64)] {
        &self.parts
    }

    /// What holds where shapes overlap.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Value at a point, in mm⁻¹.
    #[must_use]
    pub fn value_at(&self, point_mm: DVec3) -> f64 {
        let mut holding = Vec::new();
        self.tree.at_point(point_mm, |part| {
            if self.parts[part].0.contains(point_mm) {
                holding.push(part);
            }
        });
        match self.rule {
            Rule::Add => holding.into_iter().map(|part| self.parts[part].1).sum(),
            Rule::Overwrite => holding.into_iter().max().map_or(0.0, |part| self.parts[part].1),
        }
    }

    /// Integral of the value along `origin + t·direction` for `t_min ≤ t ≤ t_max`, exact but for rounding.
    ///
    /// ```text
    /// Add:        Σ_s v_s · |I_s|
    /// Overwrite:  Σ_p v_top(p) · |p|
    /// ```
    /// where `I_s` is the interval of shape s within the limits, p runs over the pieces between the sorted ends of
    /// all intervals, and `top(p)` is the last shape of the list whose interval holds p. The direction must be a unit
    /// vector for a result in the units value × mm; the limits may be infinite.
    #[must_use]
    pub fn line_integral(&self, origin_mm: DVec3, direction: DVec3, t_min: f64, t_max: f64) -> f64 {
        self.integrate(origin_mm, direction, (t_min, t_max), &mut Vec::new())
    }

    /// [`Phantom::line_integral`] with a buffer that is kept from ray to ray.
    pub(super) fn integrate(&self, origin: DVec3, direction: DVec3, limits: (f64, f64), hits: &mut Vec<Hit>) -> f64 {
        hits.clear();
        self.tree.on_ray(origin, direction, limits.0, limits.1, |part| {
            let interval = self.parts[part].0.interval(origin, direction).and_then(|found| meet(found, limits));
            if let Some((enter, exit)) = interval {
                hits.push(Hit { enter, exit, part });
            }
        });
        match self.rule {
            Rule::Add => hits.iter().map(|hit| self.parts[hit.part].1 * (hit.exit - hit.enter)).sum(),
            Rule::Overwrite => self.overwritten(hits),
        }
    }

    /// Sweeps along the ray with the shapes in reach on a heap, the topmost first; shapes already left are dropped
    /// only when they come up.
    fn overwritten(&self, hits: &mut [Hit]) -> f64 {
        hits.sort_unstable_by(|a, b| a.enter.total_cmp(&b.enter));
        let mut open: BinaryHeap<(usize, usize)> = BinaryHeap::new();
        let (mut sum, mut at, mut next) = (0.0, f64::NEG_INFINITY, 0);
        loop {
            while open.peek().is_some_and(|&(_, hit)| hits[hit].exit <= at) {
                open.pop();
            }
            let entry = hits.get(next).map(|hit| hit.enter);
            // The piece ahead ends where its shape ends or another begins, whichever comes first.
            let end = match (open.peek(), entry) {
                (Some(&(part, hit)), entry) => {
                    let end = entry.map_or(hits[hit].exit, |enter| enter.min(hits[hit].exit));
                    sum += self.parts[part].1 * (end - at);
                    end
                }
                (None, Some(enter)) => enter,
                (None, None) => return sum,
            };
            at = end;
            while let Some(hit) = hits.get(next).filter(|hit| hit.enter <= at) {
                open.push((hit.part, next));
                next += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use glam::DQuat;
    use proptest::prelude::*;

    use super::*;
    use crate::phantom::{HalfSpace, NAMES, by_name};

    /// Rounding of a few dozen operations on lengths of up to 10³ mm, with room.
    const ROUNDING_MM: f64 = 1e-9;

    fn ball(x: f64, radius: f64) -> Shape {
        Shape::ellipsoid(DVec3::X * x, DVec3::splat(radius), DQuat::IDENTITY).unwrap()
    }

    fn along_x(phantom: &Phantom) -> f64 {
        phantom.line_integral(DVec3::X * -100.0, DVec3::X, 0.0, 200.0)
    }

    /// Midpoint sums of `value_at` along a ray: right to `shapes · step · largest value`, each end missing half a step.
    fn sampled(phantom: &Phantom, origin: DVec3, direction: DVec3, length_mm: f64, steps: usize) -> f64 {
        let step = length_mm / steps as f64;
        (0..steps).map(|i| phantom.value_at(origin + (i as f64 + 0.5) * step * direction) * step).sum()
    }

    #[test]
    fn overlaps_follow_the_rule() {
        // Chords along x: −10…10 and 5…15.
        let parts = vec![(ball(0.0, 10.0), 1.0), (ball(10.0, 5.0), 3.0)];
        assert!((along_x(&Phantom::new(Rule::Add, parts.clone())) - (20.0 + 30.0)).abs() < ROUNDING_MM);
        assert!((along_x(&Phantom::new(Rule::Overwrite, parts.clone())) - (15.0 + 30.0)).abs() < ROUNDING_MM);
        let turned = parts.into_iter().rev().collect();
        assert!((along_x(&Phantom::new(Rule::Overwrite, turned)) - (20.0 + 15.0)).abs() < ROUNDING_MM);
    }

    #[test]
    fn a_shape_that_ends_under_another_gives_way_to_what_lies_below() {
        let parts = vec![(ball(0.0, 10.0), 1.0), (ball(0.0, 4.0), 5.0), (ball(3.0, 2.0), 0.0), (ball(40.0, 1.0), 7.0)];
        // 1 on −10…−4, 5 on −4…1, 0 on 1…5, 1 on 5…10, nothing, 7 on 39…41.
        let want = 6.0 + 25.0 + 0.0 + 5.0 + 14.0;
        assert!((along_x(&Phantom::new(Rule::Overwrite, parts)) - want).abs() < ROUNDING_MM);
    }

    #[test]
    fn limits_cut_the_ray() {
        let phantom = Phantom::new(Rule::Overwrite, vec![(ball(0.0, 10.0), 1.0)]);
        let integral = |t_min, t_max| phantom.line_integral(DVec3::X * -100.0, DVec3::X, t_min, t_max);
        assert!((integral(0.0, 95.0) - 5.0).abs() < ROUNDING_MM);
        assert!((integral(95.0, 1e3) - 15.0).abs() < ROUNDING_MM);
        assert!((integral(f64::NEG_INFINITY, f64::INFINITY) - 20.0).abs() < ROUNDING_MM);
        assert_eq!((integral(0.0, 89.0), integral(111.0, 200.0), integral(200.0, 0.0)), (0.0, 0.0, 0.0));
    }

    #[test]
    fn an_empty_phantom_is_empty() {
        let nothing = Phantom::new(Rule::Overwrite, Vec::new());
        assert_eq!((along_x(&nothing), nothing.value_at(DVec3::ZERO)), (0.0, 0.0));
    }

    #[test]
    fn built_in_phantoms_agree_with_dense_samples() {
        const STEPS: usize = 20_000;
        const LENGTH_MM: f64 = 700.0;
        for name in NAMES {
            let phantom = by_name(name, 5).unwrap();
            for index in 0..6 {
                let turn = f64::from(index);
                let direction = DVec3::new(0.3 * turn.sin(), 1.0, 0.2 * turn.cos()).normalize();
                let origin = DVec3::new(30.0 * turn - 70.0, 0.0, 20.0 * turn - 50.0) - 350.0 * direction;
                let exact = phantom.line_integral(origin, direction, 0.0, LENGTH_MM);
                let near = sampled(&phantom, origin, direction, LENGTH_MM, STEPS);
                // Each of at most 100 surfaces on the ray is missed by half a step times the jump in value.
                let jump = phantom.parts().iter().map(|(_, v)| v.abs()).fold(0.0, f64::max);
                assert!(
                    (exact - near).abs() < 50.0 * jump * LENGTH_MM / STEPS as f64,
                    "{name} {index}: {exact} {near}"
                );
                assert!(exact > 0.0, "{name} {index}");
            }
        }
    }

    prop_compose! {
        fn vector(size: f64)(x in -size..size, y in -size..size, z in -size..size) -> DVec3 {
            DVec3::new(x, y, z)
        }
    }

    prop_compose! {
        fn turn()(axis in vector(1.0), angle in -3.0..3.0_f64) -> DQuat {
            DQuat::from_axis_angle(axis.normalize_or(DVec3::Z), angle)
        }
    }

    prop_compose! {
        fn shape()(
            kind in 0..4, centre in vector(20.0), half in vector(1.0), turn in turn(),
            cut in proptest::option::of((vector(1.0), -10.0..10.0_f64)),
        ) -> Shape {
            let half = 2.0 + 15.0 * half.abs();
            let whole = match kind {
                0 => Shape::ellipsoid(centre, half, turn),
                1 => Shape::cuboid(centre, half, turn),
                2 => Shape::cylinder(centre, [half.x, half.y], half.z, turn),
                _ => Shape::flat_capsule(centre, centre + turn * half, [half.x, half.y], turn * DVec3::X),
            }.unwrap();
            match cut {
                Some((normal, offset)) => {
                    whole.clipped(HalfSpace::below(normal + DVec3::new(0.0, 0.0, 3.0), offset).unwrap())
                }
                None => whole,
            }
        }
    }

    proptest! {
        #[test]
        fn the_ends_of_an_interval_part_inside_from_outside(
            shape in shape(), origin in vector(80.0), towards in vector(25.0),
        ) {
            let direction = (towards - origin).normalize_or(DVec3::X);
            let at = |t: f64| shape.contains(origin + t * direction);
            let inside = 1e-6;
            match shape.interval(origin, direction) {
                Some((enter, exit)) => {
                    prop_assert!(enter < exit);
                    prop_assert!(!at(enter - inside) && !at(exit + inside));
                    prop_assert!(exit - enter < 4.0 * inside || at(enter + inside) && at(exit - inside));
                }
                None => prop_assert!((0..500).all(|i| !at(f64::from(i) * 0.4))),
            }
        }

        #[test]
        fn integrals_agree_with_samples(
            shapes in proptest::collection::vec((shape(), -1.0..1.0_f64), 1..12),
            origin in vector(80.0), towards in vector(20.0), overwrite in any::<bool>(),
        ) {
            const STEPS: usize = 4000;
            let rule = if overwrite { Rule::Overwrite } else { Rule::Add };
            let count = shapes.len() as f64;
            let phantom = Phantom::new(rule, shapes);
            let direction = (towards - origin).normalize_or(DVec3::X);
            let exact = phantom.line_integral(origin, direction, 0.0, 250.0);
            let near = sampled(&phantom, origin, direction, 250.0, STEPS);
            // Two ends per shape, each half a step off, values differing by at most 2.
            prop_assert!((exact - near).abs() <= 2.0 * count * 250.0 / STEPS as f64, "{} {}", exact, near);
        }

        #[test]
        fn sums_of_phantoms_have_sums_of_integrals(
            a in shape(), b in shape(), origin in vector(80.0), towards in vector(20.0),
        ) {
            let direction = (towards - origin).normalize_or(DVec3::X);
            let integral = |parts| Phantom::new(Rule::Add, parts).line_integral(origin, direction, 0.0, 300.0);
            let apart = integral(vec![(a.clone(), 0.3)]) + integral(vec![(b.clone(), -1.7)]);
            prop_assert!((integral(vec![(a, 0.3), (b, -1.7)]) - apart).abs() < ROUNDING_MM);
        }
    }
}
