//! Bounding boxes in a binary tree: which shapes may a ray or a point meet?

use std::ops::Range;

use glam::DVec3;

use super::Shape;

/// Shapes per leaf; below this, testing boxes costs as much as testing shapes.
const LEAF_SIZE: usize = 4;
/// Boxes are larger than their shapes by this part of their size and position, so that rounding never loses a hit.
const MARGIN: f64 = 1e-9;
/// Stands for a zero component of a direction, whose reciprocal must stay finite (0·∞ is NaN).
const TINY: f64 = 1e-300;

#[derive(Clone, Debug)]
struct Node {
    low: DVec3,
    high: DVec3,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// Range of `Tree::order`.
    Shapes(Range<usize>),
    /// The first child follows its parent; this is the second.
    Branch { second: usize },
}

/// Tree over the bounding boxes of a list of shapes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    order: Vec<usize>,
}

impl Tree {
    pub(super) fn new<'a>(shapes: impl Iterator<Item = &'a Shape>) -> Self {
        let boxes: Vec<(DVec3, DVec3)> = shapes.map(Shape::bounds).map(|(l, h)| padded(l, h)).collect();
        let mut tree = Self { nodes: Vec::new(), order: (0..boxes.len()).collect() };
        if !boxes.is_empty() {
            tree.grow(&boxes, 0..boxes.len());
        }
        tree
    }

    /// Splits at the median centre along the longest axis.
    fn grow(&mut self, boxes: &[(DVec3, DVec3)], range: Range<usize>) {
        let members = &mut self.order[range.clone()];
        let (mut low, mut high) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
        for &i in members.iter() {
            low = low.min(boxes[i].0);
            high = high.max(boxes[i].1);
        }
        let index = self.nodes.len();
        self.nodes.push(Node { low, high, content: Content::Shapes(range.clone()) });
        if range.len() <= LEAF_SIZE {
            return;
        }
        let axis = (high - low).max_position();
        let centre = |i: usize| boxes[i].0[axis] + boxes[i].1[axis];
        members.sort_by(|&a, &b| centre(a).total_cmp(&centre(b)));
        let middle = range.start + range.len() / 2;
        self.grow(boxes, range.start..middle);
        let second = self.nodes.len();
        self.grow(boxes, middle..range.end);
        self.nodes[index].content = Content::Branch { second };
    }

    /// Calls `visit` with every shape whose box the ray meets between `t_min` and `t_max`.
    pub(super) fn on_ray(&self, origin: DVec3, direction: DVec3, t_min: f64, t_max: f64, visit: impl FnMut(usize)) {
        let reciprocal = direction.map(|d| if d.abs() < TINY { TINY.recip() } else { d.recip() });
        let meets = |node: &Node| {
            let (a, b) = ((node.low - origin) * reciprocal, (node.high - origin) * reciprocal);
            let enter = a.min(b).max_element().max(t_min);
            let exit = a.max(b).min_element().min(t_max);
            enter <= exit
        };
        self.walk(0, &meets, visit);
    }

    /// Calls `visit` with every shape whose box holds the point.
    pub(super) fn at_point(&self, point: DVec3, visit: impl FnMut(usize)) {
        let meets = |node: &Node| node.low.cmple(point).all() && point.cmple(node.high).all();
        self.walk(0, &meets, visit);
    }

    fn walk(&self, start: usize, meets: &impl Fn(&Node) -> bool, mut visit: impl FnMut(usize)) {
        let mut index = start;
        let mut pending = [0; 64];
        let mut depth = 0;
        while let Some(node) = self.nodes.get(index) {
            if meets(node) {
                match &node.content {
                    Content::Branch { second } => {
                        // Halving bounds the depth by the bits of a length, so the stack cannot overflow.
                        pending[depth] = *second;
                        depth += 1;
                        index += 1;
                        continue;
                    }
                    Content::Shapes(range) => self.order[range.clone()].iter().for_each(|&i| visit(i)),
                }
            }
            if depth == 0 {
                return;
            }
            depth -= 1;
            index = pending[depth];
        }
    }
}

fn padded(low: DVec3, high: DVec3) -> (DVec3, DVec3) {
    let margin = MARGIN * (DVec3::ONE + low.abs().max(high.abs()));
    (low - margin, high + margin)
}

#[cfg(test)]
mod tests {
    use glam::DQuat;

    use super::*;

    #[test]
    fn the_tree_finds_what_a_plain_search_finds() {
        let shapes: Vec<Shape> = (0..100)
            .map(|i| {
                let i = f64::from(i);
                let centre = DVec3::new((i * 7.3) % 41.0, (i * 3.1) % 29.0, (i * 5.7) % 37.0);
                let semi = DVec3::new(1.0 + i % 3.0, 2.0, 0.5 + i % 5.0);
                Shape::ellipsoid(centre, semi, DQuat::from_rotation_y(i)).unwrap()
            })
            .collect();
        let tree = Tree::new(shapes.iter());
        for step in 0..200 {
            let s = f64::from(step);
            let origin = DVec3::new((s * 1.7) % 41.0, -5.0, (s * 2.9) % 37.0);
            let direction = DVec3::new((s * 0.1).sin() * 0.3, 1.0, if step % 3 == 0 { 0.0 } else { 0.2 }).normalize();
            let mut found = Vec::new();
            tree.on_ray(origin, direction, f64::NEG_INFINITY, f64::INFINITY, |i| found.push(i));
            let point = origin + 20.0 * direction;
            let mut around = Vec::new();
            tree.at_point(point, |i| around.push(i));
            for (i, shape) in shapes.iter().enumerate() {
                assert!(shape.interval(origin, direction).is_none() || found.contains(&i));
                assert!(!shape.contains(point) || around.contains(&i));
            }
            assert!(found.len() < shapes.len() / 2);
        }
    }

    #[test]
    fn an_empty_tree_visits_nothing() {
        Tree::new(std::iter::empty()).at_point(DVec3::ZERO, |i| panic!("visited {i}"));
    }
}
