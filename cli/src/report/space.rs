//! Axonometric drawing of a geometry: source path, detectors and volume in one picture, over a floor with a scale.

use glam::DVec3;
use kerma::{
    data::Grid,
    geometry::{Geometry, Source, View},
};

use super::{
    chart::FONT_PX,
    scale::{Scale, Tick},
    scanner::{
        AXIS_NAMES, LEGEND_LINE_PX, LEGEND_LINES, MAX_DOTS, Things, box_corners, cross, detector_outline, distances,
        hull, legend, mean,
    },
    svg::{Anchor, Svg},
};

/// Direction to the reader: turned from −y towards +x, and raised above the floor, in degrees.
const TURNED_DEG: f64 = 35.0;
const RAISED_DEG: f64 = 24.0;
/// How it is named beside the drawing's title.
pub(super) const SEEN_FROM: &str = "the front right, above";
/// Detectors that are drawn, those of the first and the last view among them. Five gaps part whole turns of a helix unevenly.
const PLATES: usize = 6;
/// Room between marks of the axes, in pixels.
const STEP_PX: f64 = 60.0;
/// Height of the drawing in units of its width.
const ASPECT: [f64; 2] = [0.4, 0.9];
/// Room for numbers and names beside and below the floor, in pixels.
const MARGIN_PX: [f64; 2] = [5.0 * FONT_PX, 4.0 * FONT_PX];

/// Where one looks from: unit vectors to the right and upwards on the paper, and towards the reader.
#[derive(Clone, Copy, Debug)]
struct Eye {
    right: DVec3,
    up: DVec3,
    towards: DVec3,
}

impl Eye {
    fn new() -> Self {
        let (sin, cos) = TURNED_DEG.to_radians().sin_cos();
        let (raised, level) = RAISED_DEG.to_radians().sin_cos();
        let towards = DVec3::new(level * sin, -level * cos, raised);
        let right = DVec3::new(cos, sin, 0.0);
        Self { right, up: towards.cross(right), towards }
    }

    /// Place on the paper in mm, upwards positive.
    fn flat(self, world: DVec3) -> [f64; 2] {
        [world.dot(self.right), world.dot(self.up)]
    }
}

/// The box around all that is drawn, on whose floor and edges the scale stands.
struct Room {
    low: DVec3,
    high: DVec3,
}

impl Room {
    fn around(points: &[DVec3]) -> Self {
        let low = points.iter().copied().fold(DVec3::INFINITY, DVec3::min);
        let high = points.iter().copied().fold(DVec3::NEG_INFINITY, DVec3::max);
        // What lies in a plane gets a room that is not flat, so that its floor can be seen.
        let least = 0.1 * (high - low).max_element().max(1.0);
        let slack = ((DVec3::splat(least) - (high - low)) / 2.0).max(DVec3::ZERO);
        Self { low: low - slack, high: high + slack }
    }

    fn corners(&self) -> [DVec3; 8] {
        std::array::from_fn(|corner| {
            let pick = |axis: usize| if corner >> axis & 1 == 1 { self.high[axis] } else { self.low[axis] };
            DVec3::new(pick(0), pick(1), pick(2))
        })
    }
}

/// Draws the geometry in space, `width` pixels wide.
pub(super) fn draw(geometry: &Geometry, grid: Option<&Grid>, width: f64, alt: &str) -> String {
    let eye = Eye::new();
    let things = Things::of(geometry, grid);
    let plates = plates(geometry, &things);
    let shown = || plates.iter().flat_map(|plate| plate.corners.into_iter().chain(plate.ray_starts));
    let room = Room::around(&things.points().chain(shown()).collect::<Vec<_>>());

    let flat: Vec<_> = room.corners().map(|corner| eye.flat(corner)).to_vec();
    let range = |axis: usize| {
        flat.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], p| [low.min(p[axis]), high.max(p[axis])])
    };
    let [[left, right], [low, high]] = [range(0), range(1)];
    let inner = width - 2.0 * MARGIN_PX[0];
    let px_per_mm = (inner / (right - left)).min(inner * ASPECT[1] / (high - low));
    let height = (px_per_mm * (high - low)).max(inner * ASPECT[0]);
    let top = 2.2 * FONT_PX;
    let bottom = top + height;
    let at = |world: DVec3| {
        let [x, y] = eye.flat(world);
        [
            width / 2.0 + (x - (left + right) / 2.0) * px_per_mm,
            top + height / 2.0 - (y - (low + high) / 2.0) * px_per_mm,
        ]
    };

    let mut svg = Svg::new(width, bottom + MARGIN_PX[1] + LEGEND_LINES * LEGEND_LINE_PX);
    draw_scale(&mut svg, &room, &at, px_per_mm);
    draw_things(&mut svg, &things, &plates, grid, eye, &at);
    legend(&mut svg, geometry, grid.is_some(), width, bottom + MARGIN_PX[1] + FONT_PX);
    svg.text("label", Anchor::Start, [FONT_PX, 1.2 * FONT_PX], &distances(geometry));
    svg.finish(alt)
}

/// A detector that is drawn.
struct Plate {
    class: &'static str,
    /// From the first pixel along u and then along v.
    corners: [DVec3; 4],
    /// Where the rays to the corners come from: the focal spot, or places before the detector.
    ray_starts: [DVec3; 4],
}

/// The detectors that are drawn: first, last, and some between.
fn plates(geometry: &Geometry, things: &Things) -> Vec<Plate> {
    let last = geometry.views().len() - 1;
    let mut shown: Vec<usize> = (0..PLATES).map(|k| (k * last + (PLATES - 1) / 2) / (PLATES - 1)).collect();
    shown.dedup();
    let class = |index: usize| match index {
        0 => "plate first",
        _ if index == last => "plate last",
        _ => "plate between",
    };
    let plate = |index: usize| {
        let view: &View = &geometry.views()[index];
        let corners = detector_outline(view, geometry.detector());
        let source = things.sources[index];
        let ray_starts = match view.source {
            Source::Point(_) => [source; 4],
            Source::Direction(_) => corners.map(|corner| corner + source - view.detector_centre),
        };
        Plate { class: class(index), corners, ray_starts }
    };
    shown.into_iter().map(plate).collect()
}

/// Floor with lines at round numbers, and the numbers along the edges that the reader sees in front.
fn draw_scale(svg: &mut Svg, room: &Room, at: &impl Fn(DVec3) -> [f64; 2], px_per_mm: f64) {
    let Room { low, high } = *room;
    let ticks = |axis: usize| -> Vec<Tick> {
        let length_px = (high[axis] - low[axis]) * px_per_mm;
        Scale::new(low[axis], high[axis], [low[axis], high[axis]]).ticks((length_px / STEP_PX).max(2.0) as usize)
    };
    for Tick { at: x, label } in ticks(0) {
        svg.line("grid", at(DVec3::new(x, low.y, low.z)), at(DVec3::new(x, high.y, low.z)));
        let [px, py] = at(DVec3::new(x, low.y, low.z));
        svg.text("label", Anchor::End, [px - 0.2 * FONT_PX, py + 1.2 * FONT_PX], &label);
    }
    for Tick { at: y, label } in ticks(1) {
        svg.line("grid", at(DVec3::new(low.x, y, low.z)), at(DVec3::new(high.x, y, low.z)));
        let [px, py] = at(DVec3::new(high.x, y, low.z));
        svg.text("label", Anchor::Start, [px + 0.4 * FONT_PX, py + 1.0 * FONT_PX], &label);
    }
    for Tick { at: z, label } in ticks(2) {
        let [px, py] = at(DVec3::new(low.x, low.y, z));
        svg.line("axis", [px - 0.3 * FONT_PX, py], [px, py]);
        svg.text("label", Anchor::End, [px - 0.5 * FONT_PX, py + 0.35 * FONT_PX], &label);
    }
    let near = DVec3::new(high.x, low.y, low.z);
    for end in [low, DVec3::new(high.x, high.y, low.z)] {
        svg.line("axis", at(near), at(end));
    }
    svg.line("axis", at(low), at(DVec3::new(low.x, low.y, high.z)));
    let name = |axis: usize| AXIS_NAMES[axis];
    let [px, py] = at((low + near) / 2.0);
    svg.text("label", Anchor::End, [px - 1.2 * FONT_PX, py + 2.8 * FONT_PX], name(0));
    let [px, py] = at(DVec3::new(high.x, (low.y + high.y) / 2.0, low.z));
    svg.text("label", Anchor::Start, [px + 3.0 * FONT_PX, py + 3.2 * FONT_PX], name(1));
    let [px, py] = at(DVec3::new(low.x, low.y, high.z));
    svg.text("label", Anchor::Start, [(px - 3.0 * FONT_PX).max(0.5 * FONT_PX), py - 0.7 * FONT_PX], name(2));
}

/// What stands in the room, the farthest first.
fn draw_things(
    svg: &mut Svg,
    things: &Things,
    plates: &[Plate],
    grid: Option<&Grid>,
    eye: Eye,
    at: &impl Fn(DVec3) -> [f64; 2],
) {
    let depth = |points: &[DVec3]| mean(points).dot(eye.towards);
    let volume = grid.map(box_corners);
    let mut order: Vec<(f64, Option<usize>)> =
        plates.iter().enumerate().map(|(k, plate)| (depth(&plate.corners), Some(k))).collect();
    order.extend(volume.iter().map(|corners| (depth(corners), None)));
    order.sort_by(|a, b| a.0.total_cmp(&b.0));

    let path: Vec<_> = things.sources.iter().map(|source| at(*source)).collect();
    svg.polyline("path", &path);
    for (_, thing) in order {
        match (thing, &volume) {
            (Some(plate), _) => draw_plate(svg, &plates[plate], at),
            (None, Some(corners)) => draw_box(svg, corners, eye, at),
            (None, None) => {}
        }
    }
    for dot in path.iter().step_by(path.len().div_ceil(MAX_DOTS)) {
        svg.circle("source", *dot, 2.2);
    }
    if let Some(first) = path.first() {
        svg.circle("source first", *first, 5.0);
    }
    cross(svg, at(DVec3::ZERO));
}

/// A detector; the first and the last with their central rays, the first with those to its corners and the directions of u and v.
fn draw_plate(svg: &mut Svg, Plate { class, corners, ray_starts }: &Plate, at: &impl Fn(DVec3) -> [f64; 2]) {
    svg.polygon(class, &corners.map(at));
    let central = |svg: &mut Svg, class: &str| svg.line(class, at(mean(ray_starts)), at(mean(corners)));
    match *class {
        "plate last" => return central(svg, "ray last"),
        "plate first" => central(svg, "ray first"),
        _ => return,
    }
    for (start, corner) in ray_starts.iter().zip(corners) {
        svg.line("ray corner", at(*start), at(*corner));
    }
    for (name, end) in [("u", corners[1]), ("v", corners[3])] {
        let beyond = mean(corners) + 1.12 * (end - mean(corners));
        let [x, y] = at(beyond);
        svg.text("label strong", Anchor::Middle, [x, y + 0.35 * FONT_PX], name);
    }
}

/// The volume's box, with the edges behind it dashed.
fn draw_box(svg: &mut Svg, corners: &[DVec3], eye: Eye, at: &impl Fn(DVec3) -> [f64; 2]) {
    svg.polygon("volume clear", &hull(corners.iter().map(|corner| at(*corner)).collect()));
    let farthest = (0..corners.len())
        .min_by(|&a, &b| corners[a].dot(eye.towards).total_cmp(&corners[b].dot(eye.towards)))
        .unwrap_or_default();
    // Corners are numbered by bits: an edge changes one of them.
    for from in 0..corners.len() {
        for to in (0..3).map(|axis| from | 1 << axis).filter(|&to| to != from) {
            let class = if from == farthest || to == farthest { "edge behind" } else { "edge" };
            svg.line(class, at(corners[from]), at(corners[to]));
        }
    }
}

#[cfg(test)]
mod tests {
    use kerma::geometry::Scan;

    use super::*;

    fn example(kind: &str) -> Geometry {
        Scan::from_toml(Scan::example(kind).unwrap()).unwrap().build().unwrap()
    }

    #[test]
    fn the_eye_is_a_frame_of_unit_vectors_with_z_upwards() {
        let eye = Eye::new();
        assert!((eye.right.cross(eye.up) - eye.towards).length() < 1e-12);
        assert!(eye.flat(DVec3::Z)[1] > 0.5 && eye.flat(DVec3::Z)[0].abs() < 1e-12);
        assert!(eye.flat(DVec3::X)[0] > 0.0 && eye.flat(DVec3::Y)[0] > 0.0);
    }

    #[test]
    fn the_first_and_the_last_detector_are_among_the_few() {
        let drawn = |geometry: &Geometry| plates(geometry, &Things::of(geometry, None));
        assert_eq!(["radiograph", "cone-circular"].map(|kind| drawn(&example(kind)).len()), [1, PLATES]);
        let helix = example("helical");
        let plates = drawn(&helix);
        let ends = [0, helix.views().len() - 1].map(|k| detector_outline(&helix.views()[k], helix.detector()));
        assert_eq!([plates[0].corners, plates[PLATES - 1].corners], ends);
    }

    #[test]
    fn parallel_rays_are_drawn_parallel() {
        let geometry = example("parallel");
        let Source::Direction(direction) = geometry.views()[0].source else { panic!() };
        let plate = &plates(&geometry, &Things::of(&geometry, None))[0];
        let along = |k: usize| (plate.corners[k] - plate.ray_starts[k]).normalize();
        assert!((0..4).all(|k| along(k).distance(direction) < 1e-12));
    }

    #[test]
    fn a_room_around_a_plane_is_not_flat() {
        let room = Room::around(&[DVec3::ZERO, DVec3::new(100.0, 0.0, 0.0), DVec3::new(0.0, 50.0, 0.0)]);
        assert_eq!((room.low, room.high), (DVec3::new(0.0, 0.0, -5.0), DVec3::new(100.0, 50.0, 5.0)));
    }

    #[test]
    fn every_kind_of_scan_is_drawn_within_its_frame() {
        let grid = Grid::centred([100, 80, 60], [3.0, 3.0, 3.0]).unwrap();
        for kind in Scan::KINDS {
            let svg = draw(&example(kind), Some(&grid), 760.0, "scan");
            let attributes = svg.split('"').skip(1).step_by(2).flat_map(|value| value.split([' ', ',']));
            let numbers = attributes.filter_map(|word| word.parse::<f64>().ok());
            assert!(numbers.clone().all(|n| n.is_finite() && (-1.0..=1000.0).contains(&n)), "{kind}");
            assert_eq!(svg.matches("class=\"edge").count(), 12, "{kind}");
            assert_eq!(svg.matches("edge behind").count(), 3, "{kind}");
            assert!(AXIS_NAMES.iter().all(|name| svg.contains(name)), "{kind}");
        }
    }
}
