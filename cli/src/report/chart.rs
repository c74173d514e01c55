use super::{
    scale::{Scale, Tick},
    svg::{Anchor, Svg, text_width},
};

/// Height of a chart in units of its width.
const ASPECT: f64 = 0.5;
/// Tallest chart, in pixels.
const MAX_HEIGHT: f64 = 360.0;
/// Size of the labels' font, as in the page's style.
pub(super) const FONT_PX: f64 = 13.0;
/// Room between steps of the axes, in pixels.
const X_STEP_PX: f64 = 90.0;
const Y_STEP_PX: f64 = 48.0;
/// Number of line styles that the page's style defines; further lines start over behind that of the reference.
const STYLES: usize = 10;
/// Distance of the legend's rows, in pixels.
const LEGEND_ROW_PX: f64 = 1.4 * FONT_PX;

/// Line chart of one or more curves over a common axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    x_label: String,
    y_label: String,
    logarithmic: bool,
    lines: Vec<(String, Vec<[f64; 2]>)>,
}

impl Chart {
    /// Chart without curves; labels name quantity and unit, as in "position in mm".
    pub(crate) fn new(x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        Self { x_label: x_label.into(), y_label: y_label.into(), logarithmic: false, lines: Vec::new() }
    }

    /// Adds a curve of `[x, y]` points; what is not finite leaves a gap. The first of several is drawn as the reference.
    #[must_use]
    pub(crate) fn line(mut self, name: impl Into<String>, points: Vec<[f64; 2]>) -> Self {
        self.lines.push((name.into(), points));
        self
    }

    /// Shows y on a logarithmic scale, for residuals; it stays linear when a value is not positive.
    #[must_use]
    pub(crate) fn logarithmic(mut self) -> Self {
        self.logarithmic = true;
        self
    }

    pub(super) fn draw(&self, width: f64, alt: &str) -> String {
        let height = (width * ASPECT).min(MAX_HEIGHT);
        let (top, bottom) = (2.4 * FONT_PX, height - 3.6 * FONT_PX);
        let steps = ((bottom - top) / Y_STEP_PX).max(2.0) as usize;
        let numbers = self.y_scale([bottom, top], steps).ticks(steps);
        let widest = numbers.iter().map(|t| text_width(&t.label, FONT_PX)).fold(0.0, f64::max);
        let (left, right) = (widest + 2.6 * FONT_PX, width - FONT_PX);
        // The chart moves down by the rows that the legend has more than one.
        let legend = self.legend(left, right);
        let [height, top, bottom] = [height, top, bottom].map(|y| y + legend.last().map_or(0.0, |place| place[1]));
        let y = self.y_scale([bottom, top], steps);
        let y_ticks = y.ticks(steps);
        let [low, high] = self.range(0);
        let x = Scale::new(low, high, [left, right]);

        let mut svg = Svg::new(width, height);
        axes(&mut svg, &x.ticks(((right - left) / X_STEP_PX).max(2.0) as usize), &y_ticks, [left, top, right, bottom]);
        svg.text("label", Anchor::Middle, [(left + right) / 2.0, height - 0.5 * FONT_PX], &self.x_label);
        svg.text_upwards("label", [FONT_PX, (top + bottom) / 2.0], &self.y_label);
        // The first style is that of a reference; a curve that stands alone is none.
        let first_style = usize::from(self.lines.len() == 1);
        for (index, ((name, points), [legend_x, row_y])) in self.lines.iter().zip(legend).enumerate() {
            let style = match index + first_style {
                0 => 0,
                further => 1 + (further - 1) % (STYLES - 1),
            };
            let class = format!("curve curve-{style}");
            let drawn: Vec<_> = points.iter().map(|p| [x.at(p[0]), y.at(p[1])]).collect();
            svg.polyline(&class, &drawn);
            svg.line(&class, [legend_x, row_y + FONT_PX], [legend_x + 2.0 * FONT_PX, row_y + FONT_PX]);
            svg.text("label", Anchor::Start, [legend_x + 2.5 * FONT_PX, row_y + 1.35 * FONT_PX], name);
        }
        svg.finish(alt)
    }

    /// Where the names of the curves begin, in as many rows as they need between `left` and `right`.
    fn legend(&self, left: f64, right: f64) -> Vec<[f64; 2]> {
        let (mut at, mut places) = ([left, 0.0], Vec::with_capacity(self.lines.len()));
        for (name, _) in &self.lines {
            let length = 2.5 * FONT_PX + text_width(name, FONT_PX);
            if at[0] > left && at[0] + length > right {
                at = [left, at[1] + LEGEND_ROW_PX];
            }
            places.push(at);
            at[0] += length + 1.5 * FONT_PX;
        }
        places
    }

    fn y_scale(&self, paper: [f64; 2], steps: usize) -> Scale {
        let [low, high] = self.range(1);
        if self.logarithmic && low > 0.0 {
            Scale::logarithmic(low, high, paper)
        } else {
            Scale::rounded(low, high, paper, steps)
        }
    }

    /// Smallest and largest finite coordinate of all curves.
    fn range(&self, axis: usize) -> [f64; 2] {
        let values = self.lines.iter().flat_map(|(_, points)| points).map(|p| p[axis]).filter(|v| v.is_finite());
        let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)]);
        if low <= high { [low, high] } else { [0.0, 1.0] }
    }
}

/// Thin grid lines with their numbers, within `[left, top, right, bottom]`.
pub(super) fn axes(svg: &mut Svg, x: &[Tick], y: &[Tick], [left, top, right, bottom]: [f64; 4]) {
    for tick in x {
        svg.line("grid", [tick.at, top], [tick.at, bottom]);
        svg.text("label", Anchor::Middle, [tick.at, bottom + 1.4 * FONT_PX], &tick.label);
    }
    for tick in y {
        svg.line("grid", [left, tick.at], [right, tick.at]);
        svg.text("label", Anchor::End, [left - 0.5 * FONT_PX, tick.at + 0.35 * FONT_PX], &tick.label);
    }
    svg.line("axis", [left, bottom], [right, bottom]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_names_its_axes_and_curves() {
        let chart = Chart::new("x in mm", "µ in mm⁻¹")
            .line("truth", vec![[0.0, 0.0], [10.0, 0.02]])
            .line("FDK <1>", vec![[0.0, 0.001], [10.0, 0.019]]);
        let svg = chart.draw(600.0, "profile");
        for text in ["x in mm", "µ in mm⁻¹", "truth", "FDK &lt;1&gt;", ">0.020<", ">10<"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn names_that_do_not_fit_beside_each_other_go_below() {
        let chart = |count: usize| {
            (0..count).fold(Chart::new("x", "y"), |chart, i| {
                chart.line(format!("curve number {i}"), vec![[0.0, 0.0], [1.0, 1.0]])
            })
        };
        let height = |count: usize| {
            let svg = chart(count).draw(600.0, "curves");
            let places = chart(count).legend(40.0, 587.0);
            assert!(places.iter().all(|[x, _]| *x + 2.5 * FONT_PX + text_width("curve number 9", FONT_PX) <= 587.0));
            svg.split("height=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .and_then(|h| h.parse::<f64>().ok())
                .unwrap()
        };
        assert!(height(10) > height(3) && height(3) == height(1), "{} {} {}", height(1), height(3), height(10));
    }

    #[test]
    fn chart_without_data_is_drawn_empty() {
        assert!(Chart::new("x", "y").logarithmic().draw(300.0, "nothing").contains("</svg>"));
    }
}
