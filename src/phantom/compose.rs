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
