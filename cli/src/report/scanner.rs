//! Orthographic drawing of a geometry: where source and detector stand around the volume.

use glam::DVec3;
use kerma::{
    data::Grid,
    geometry::{Geometry, Source, View},
};

use super::{
    chart::{FONT_PX, axes},
    number::significant,
    scale::Scale,
    svg::{Anchor, Svg, text_width},
};

/// Room around the drawn things, in units of their extent.
const MARGIN: f64 = 0.07;
/// Height of the drawing in units of its width.
const ASPECT: [f64; 2] = [0.42, 0.85];
/// Room between steps of the axes, in pixels.
const STEP_PX: f64 = 70.0;
/// More sources than these are drawn in steps; their dots would merge.
pub(super) const MAX_DOTS: usize = 90;
/// Room for the legend in lines, and of a line in pixels.
pub(super) const LEGEND_LINES: f64 = 2.0;
pub(super) const LEGEND_LINE_PX: f64 = 1.6 * FONT_PX;

/// Direction from which one looks, with the world axes that then run to the right and up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    right: usize,
    up: usize,
    /// Name of the direction, for instance "+z".
    pub(super) seen_from: &'static str,
    /// Name of the plane that is seen.
    pub(super) plane: &'static str,
}

/// World axes with the end they point to.
pub(super) const AXIS_NAMES: [&str; 3] = ["x in mm (→ right side)", "y in mm (→ anterior)", "z in mm (→ superior)"];
/// In the order of preference when a scan extends equally little along several axes.
const SIDES: [(usize, Side); 3] = [
    (0, Side { right: 1, up: 2, seen_from: "+x", plane: "Sagittal" }),
    (2, Side { right: 0, up: 1, seen_from: "+z", plane: "Axial" }),
    (1, Side { right: 0, up: 2, seen_from: "−y", plane: "Coronal" }),
];

impl Side {
    /// All three.
    pub(super) fn all() -> [Self; 3] {
        SIDES.map(|(_, side)| side)
    }

    /// The side from which the scan's motion is seen at its widest.
    pub(super) fn of(geometry: &Geometry) -> Self {
        let sources: Vec<_> = geometry.views().iter().map(|view| source_mm(view, 1.0)).collect();
        let centres: Vec<_> = geometry.views().iter().map(|view| view.detector_centre).collect();
        let spread = |axis: usize| {
            let along = || sources.iter().chain(&centres).map(|p| p[axis]);
            along().fold(f64::NEG_INFINITY, f64::max) - along().fold(f64::INFINITY, f64::min)
        };
        // A micrometre is no motion; it must not overrule the order of preference.
        let narrowest = (0..3).map(spread).fold(f64::INFINITY, f64::min) + 1e-3;
        SIDES.into_iter().find(|(axis, _)| spread(*axis) <= narrowest).map_or(SIDES[0].1, |(_, side)| side)
    }

    fn flat(self, world: DVec3) -> [f64; 2] {
        [world[self.right], world[self.up]]
    }
}

/// Draws the geometry from a side, `width` pixels wide.
pub(super) fn draw(geometry: &Geometry, grid: Option<&Grid>, side: Side, width: f64, alt: &str) -> String {
    let things = Things::of(geometry, grid);
    let paper = Paper::around(&things.points().map(|p| side.flat(p)).collect::<Vec<_>>(), width);
    let at = |world: DVec3| paper.at(side.flat(world));

    let mut svg = Svg::new(width, paper.bottom + 3.4 * FONT_PX + LEGEND_LINES * LEGEND_LINE_PX);
    paper.draw_axes(&mut svg, side);
    if let Some(corners) = &things.volume {
        svg.polygon("volume", &hull(corners.iter().map(|c| at(*c)).collect()));
    }
    for (name, detector, source) in
        [("last", &things.last, things.sources.last()), ("first", &things.first, things.sources.first())]
    {
        let Some(source) = source else { continue };
        if name == "last" && geometry.views().len() == 1 {
            continue;
        }
        let outline = hull(detector.iter().map(|c| at(*c)).collect());
        if name == "first" {
            svg.polygon("fan", &hull(outline.iter().copied().chain([at(*source)]).collect()));
        }
        svg.polygon(&format!("detector {name}"), &outline);
        svg.line(&format!("ray {name}"), at(*source), at(mean(detector)));
    }
    let path: Vec<_> = things.sources.iter().map(|s| at(*s)).collect();
    svg.polyline("path", &path);
    for dot in path.iter().step_by(path.len().div_ceil(MAX_DOTS)) {
        svg.circle("source", *dot, 2.2);
    }
    if let Some(first) = path.first() {
        svg.circle("source first", *first, 5.0);
    }
    cross(&mut svg, at(DVec3::ZERO));
    legend(&mut svg, geometry, grid.is_some(), width, paper.bottom + 4.6 * FONT_PX);
    svg.text("label", Anchor::Start, [paper.left, 1.2 * FONT_PX], &distances(geometry));
    svg.finish(alt)
}

/// All that is drawn, in the world.
pub(super) struct Things {
    pub(super) sources: Vec<DVec3>,
    first: Vec<DVec3>,
    last: Vec<DVec3>,
    volume: Option<Vec<DVec3>>,
}

impl Things {
    pub(super) fn of(geometry: &Geometry, grid: Option<&Grid>) -> Self {
        let views = geometry.views();
        let outline = |view: &View| detector_outline(view, geometry.detector()).to_vec();
        let [first, last] = [views.first(), views.last()].map(|view| view.map(outline).unwrap_or_default());
        let volume = grid.map(box_corners);
        // Parallel rays have no spot: they start twice as far out as anything else reaches.
        let reach = first.iter().chain(volume.iter().flatten()).map(|p| p.length()).fold(1.0, f64::max);
        Self { sources: views.iter().map(|view| source_mm(view, 2.0 * reach)).collect(), first, last, volume }
    }

    pub(super) fn points(&self) -> impl Iterator<Item = DVec3> {
        let volume = self.volume.iter().flatten();
        self.sources.iter().chain(&self.first).chain(&self.last).chain(volume).copied().chain([DVec3::ZERO])
    }
}

/// The drawing's frame, with one scale for both directions.
struct Paper {
    x: Scale,
    y: Scale,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Paper {
    fn around(points: &[[f64; 2]], width: f64) -> Self {
        let range = |axis: usize| {
            let along = || points.iter().map(|p| p[axis]);
            [along().fold(f64::INFINITY, f64::min), along().fold(f64::NEG_INFINITY, f64::max)]
        };
        let [x, y] = [range(0), range(1)];
        let (left, top, right) = (5.6 * FONT_PX, 2.0 * FONT_PX, width - FONT_PX);
        let spans = [x, y].map(|[low, high]| (high - low).max(1.0) * (1.0 + 2.0 * MARGIN));
        let height = (right - left) * (spans[1] / spans[0]).clamp(ASPECT[0], ASPECT[1]);
        let bottom = top + height;
        let px_per_mm = ((right - left) / spans[0]).min(height / spans[1]);
        let scale = |[low, high]: [f64; 2], paper: [f64; 2]| {
            let half = (paper[1] - paper[0]).abs() / px_per_mm / 2.0;
            Scale::new((low + high) / 2.0 - half, (low + high) / 2.0 + half, paper)
        };
        Self { x: scale(x, [left, right]), y: scale(y, [bottom, top]), left, top, right, bottom }
    }

    fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.x.at(x), self.y.at(y)]
    }

    fn draw_axes(&self, svg: &mut Svg, side: Side) {
        let steps = |length: f64| (length / STEP_PX).max(3.0) as usize;
        let (x, y) = (self.x.ticks(steps(self.right - self.left)), self.y.ticks(steps(self.bottom - self.top)));
        axes(svg, &x, &y, [self.left, self.top, self.right, self.bottom]);
        let middle = [(self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0];
        svg.text("label", Anchor::Middle, [middle[0], self.bottom + 2.9 * FONT_PX], AXIS_NAMES[side.right]);
        svg.text_upwards("label", [FONT_PX, middle[1]], AXIS_NAMES[side.up]);
    }
}

/// Explains the signs, in rows as wide as `width` allows.
pub(super) fn legend(svg: &mut Svg, geometry: &Geometry, volume: bool, width: f64, top: f64) {
    let entries = legend_entries(geometry.views().len(), volume);
    let (mut x, mut y) = (FONT_PX, top);
    for (class, label) in entries {
        let needed = 4.2 * FONT_PX + text_width(&label, FONT_PX);
        if x > FONT_PX && x + needed > width + FONT_PX {
            (x, y) = (FONT_PX, y + LEGEND_LINE_PX);
        }
        let middle = y - 0.35 * FONT_PX;
        let (end, top, bottom) = (x + 2.0 * FONT_PX, middle - 0.4 * FONT_PX, middle + 0.4 * FONT_PX);
        match class {
            "source" => svg.circle("source first", [x + FONT_PX, middle], 4.0),
            "volume" => svg.polygon(class, &[[x, top], [end, top], [end, bottom], [x, bottom]]),
            "origin" => cross(svg, [x + FONT_PX, middle]),
            _ => svg.line(class, [x, middle], [end, middle]),
        }
        svg.text("label", Anchor::Start, [end + 0.6 * FONT_PX, y], &label);
        x += needed;
    }
}

/// Class and text of each sign.
fn legend_entries(views: usize, volume: bool) -> Vec<(&'static str, String)> {
    let one = views == 1;
    let mut entries = vec![
        ("source", if one { "source".into() } else { format!("{views} sources, the first larger") }),
        ("detector first", if one { "detector".into() } else { "detector, first view".into() }),
    ];
    if !one {
        entries.push(("detector last", "last view".into()));
    }
    if volume {
        entries.push(("volume", "volume".into()));
    }
    entries.push(("origin", "origin".into()));
    entries
}

pub(super) fn cross(svg: &mut Svg, [x, y]: [f64; 2]) {
    let arm = 0.55 * FONT_PX;
    svg.line("origin", [x - arm, y], [x + arm, y]);
    svg.line("origin", [x, y - arm], [x, y + arm]);
}

/// Distances of the source to the origin and to the detector's plane, as one value or a range.
pub(super) fn distances(geometry: &Geometry) -> String {
    let mut ranges = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
    for view in geometry.views() {
        let Source::Point(source) = view.source else { return "parallel rays".into() };
        let normal = view.u_step.cross(view.v_step).normalize();
        let values = [source.length(), (view.detector_centre - source).dot(normal).abs()];
        for (range, value) in ranges.iter_mut().zip(values) {
            *range = [range[0].min(value), range[1].max(value)];
        }
    }
    let text = ranges.map(|[low, high]| {
        let [low, high] = [low, high].map(|v| significant(v, 4));
        if low == high { low } else { format!("{low}–{high}") }
    });
    format!("source to origin {} mm, to detector {} mm", text[0], text[1])
}

/// The focal spot; for parallel rays a point `distance_mm` before the detector.
fn source_mm(view: &View, distance_mm: f64) -> DVec3 {
    match view.source {
        Source::Point(source) => source,
        Source::Direction(direction) => view.detector_centre - direction * distance_mm,
    }
}

pub(super) fn detector_outline(view: &View, detector: [usize; 2]) -> [DVec3; 4] {
    let [nu, nv] = detector.map(|n| n as f64 - 0.5);
    [[-0.5, -0.5], [nu, -0.5], [nu, nv], [-0.5, nv]].map(|[u, v]| view.pixel_mm(detector, u, v))
}

pub(super) fn box_corners(grid: &Grid) -> Vec<DVec3> {
    let top = DVec3::from_array(grid.size().map(|n| n as f64 - 0.5));
    let low = DVec3::splat(-0.5);
    let pick = |corner: usize| DVec3::from_array([0, 1, 2].map(|a| if corner >> a & 1 == 1 { top[a] } else { low[a] }));
    (0..8).map(|corner| grid.world_mm(pick(corner))).collect()
}

pub(super) fn mean(points: &[DVec3]) -> DVec3 {
    points.iter().sum::<DVec3>() / points.len().max(1) as f64
}

/// Convex outline of points (Andrew's monotone chain); a line comes back as its two ends.
pub(super) fn hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let turn = |o: [f64; 2], a: [f64; 2], b: [f64; 2]| (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
    let chain = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for p in points {
            while chain.len() >= 2 && turn(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0 {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut outline = chain(&mut points.iter().copied());
    outline.extend(chain(&mut points.iter().rev().copied()));
    outline
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(source: DVec3, centre: DVec3, u: DVec3, v: DVec3) -> View {
        View { source: Source::Point(source), detector_centre: centre, u_step: u, v_step: v }
    }

    fn circular(views: usize) -> Geometry {
        let pose = |k: usize| {
            let (sin, cos) = (k as f64 / views as f64 * std::f64::consts::TAU).sin_cos();
            let towards = DVec3::new(sin, -cos, 0.0);
            view(1000.0 * towards, -500.0 * towards, DVec3::new(cos, sin, 0.0), DVec3::Z)
        };
        Geometry::new([400, 300], (0..views).map(pose).collect()).unwrap()
    }

    fn tomosynthesis() -> Geometry {
        let pose = |k: i32| {
            view(DVec3::new(0.0, -1700.0, 20.0 * f64::from(k)), DVec3::new(0.0, 100.0, 0.0), DVec3::X, DVec3::Z)
        };
        Geometry::new([400, 400], (-30..=30).map(pose).collect()).unwrap()
    }

    #[test]
    fn the_motion_chooses_the_side() {
        assert_eq!(Side::of(&circular(180)).seen_from, "+z");
        assert_eq!(Side::of(&tomosynthesis()).seen_from, "+x");
        let radiograph = Geometry::new([400, 400], vec![tomosynthesis().views()[30]]).unwrap();
        assert_eq!(Side::of(&radiograph).seen_from, "+x");
    }

    #[test]
    fn hull_of_a_box_has_its_corners_and_a_line_its_ends() {
        let square = vec![[0.0, 0.0], [2.0, 2.0], [1.0, 1.0], [2.0, 0.0], [0.0, 2.0], [1.0, 0.0]];
        assert_eq!(hull(square).len(), 4);
        assert_eq!(hull(vec![[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), [[0.0, 0.0], [2.0, 2.0]]);
    }

    #[test]
    fn drawing_states_distances_and_number_of_views() {
        let grid = Grid::centred([100, 80, 60], [3.0, 3.0, 3.0]).unwrap();
        let svg = draw(&circular(180), Some(&grid), Side::of(&circular(180)), 500.0, "CT");
        assert!(svg.contains("source to origin 1000 mm, to detector 1500 mm"));
        assert!(svg.contains("180 sources"));
        assert!(distances(&tomosynthesis()).contains("1700–1803"));
        let direction = View { source: Source::Direction(DVec3::Y), ..tomosynthesis().views()[0] };
        assert_eq!(distances(&Geometry::new([4, 4], vec![direction]).unwrap()), "parallel rays");
    }
}
