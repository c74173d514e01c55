use super::{
    chart::{FONT_PX, axes},
    scale::Scale,
    svg::{Anchor, Svg, text_width},
};

/// Height of the drawing in units of its width.
const ASPECT: f64 = 0.5;
/// Tallest drawing, in pixels.
const MAX_HEIGHT: f64 = 320.0;
/// Room between steps of the axes, in pixels.
const X_STEP_PX: f64 = 90.0;
const Y_STEP_PX: f64 = 34.0;
/// Number of fills that the page's style defines.
const STYLES: usize = 2;

/// How often values occur: filled bars on a logarithmic scale, one layer over another, with a mark.
///
/// The scale is logarithmic because a background of one value would press everything else flat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Histogram {
    x_label: String,
    range: [f64; 2],
    bins: usize,
    layers: Vec<(String, Vec<u64>)>,
    mark: Option<(f64, String)>,
}

impl Histogram {
    /// Histogram without values: `bins` bins from `range[0]` to `range[1]`, both ends included.
    pub(crate) fn new(x_label: impl Into<String>, range: [f64; 2], bins: usize) -> Self {
        Self { x_label: x_label.into(), range, bins: bins.max(1), layers: Vec::new(), mark: None }
    }

    /// Counts values; those beyond the range count at its ends, those that are not finite nowhere.
    #[must_use]
    pub(crate) fn layer(mut self, name: impl Into<String>, values: impl IntoIterator<Item = f32>) -> Self {
        let [low, high] = self.range;
        let per_value = self.bins as f64 / (high - low).max(f64::MIN_POSITIVE);
        let last = self.bins - 1;
        let mut counts = vec![0; self.bins];
        for value in values.into_iter().filter(|v| v.is_finite()) {
            // Negative numbers become bin 0.
            counts[(((f64::from(value) - low) * per_value) as usize).min(last)] += 1;
        }
        self.layers.push((name.into(), counts));
        self
    }

    /// Marks a value, for instance a threshold.
    #[must_use]
    pub(crate) fn mark(mut self, value: f64, name: impl Into<String>) -> Self {
        self.mark = Some((value, name.into()));
        self
    }

    pub(super) fn draw(&self, width: f64, alt: &str) -> String {
        let height = (width * ASPECT).min(MAX_HEIGHT);
        let (top, bottom) = (3.6 * FONT_PX, height - 3.6 * FONT_PX);
        let highest = self.layers.iter().flat_map(|(_, counts)| counts).copied().max().unwrap_or(0);
        let y = Scale::decades(1.0, highest.max(1) as f64, [bottom, top]);
        let y_ticks = y.ticks(((bottom - top) / Y_STEP_PX).max(2.0) as usize);
        let widest = y_ticks.iter().map(|t| text_width(&t.label, FONT_PX)).fold(0.0, f64::max);
        let (left, right) = (widest + 2.6 * FONT_PX, width - 1.5 * FONT_PX);
        let x = Scale::new(self.range[0], self.range[1], [left, right]);

        let mut svg = Svg::new(width, height);
        let x_ticks = x.ticks(((right - left) / X_STEP_PX).max(2.0) as usize);
        axes(&mut svg, &x_ticks, &y_ticks, [left, top, right, bottom]);
        svg.text("label", Anchor::Middle, [(left + right) / 2.0, height - 0.5 * FONT_PX], &self.x_label);
        svg.text_upwards("label", [FONT_PX, (top + bottom) / 2.0], "pixels per bin");
        let mut legend_x = left;
        for (index, (name, counts)) in self.layers.iter().enumerate() {
            let class = format!("bars bars-{}", index % STYLES);
            let bin_px = (right - left) / self.bins as f64;
            svg.polygon(&class, &steps(counts, &y, [left, bottom], bin_px));
            let swatch = |x: f64, y: f64| [legend_x + x * FONT_PX, y * FONT_PX];
            svg.polygon(&class, &[swatch(0.0, 0.6), swatch(1.6, 0.6), swatch(1.6, 1.4), swatch(0.0, 1.4)]);
            svg.text("label", Anchor::Start, [legend_x + 2.1 * FONT_PX, 1.35 * FONT_PX], name);
            legend_x += 3.6 * FONT_PX + text_width(name, FONT_PX);
        }
        if let Some((value, name)) = &self.mark {
            let at = x.at(*value).clamp(left, right);
            svg.line("level", [at, top], [at, bottom]);
            let anchor = if at < (left + right) / 2.0 { Anchor::Start } else { Anchor::End };
            svg.text("label strong", anchor, [at, top - 0.5 * FONT_PX], name);
        }
        svg.finish(alt)
    }
}

/// The bars' common outline, closed along the axis.
fn steps(counts: &[u64], y: &Scale, [left, bottom]: [f64; 2], bin_px: f64) -> Vec<[f64; 2]> {
    let mut points = vec![[left, bottom]];
    for (bin, &count) in counts.iter().enumerate() {
        let [from, to] = [bin, bin + 1].map(|n| left + n as f64 * bin_px);
        let height = if count == 0 { bottom } else { y.at(count as f64) };
        // A run of equal bars is one step.
        match points.last_mut() {
            Some(last) if last[1] == height => last[0] = to,
            _ => points.extend([[from, height], [to, height]]),
        }
    }
    let end = points.last().map_or(left, |p| p[0]);
    points.push([end, bottom]);
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_their_bins_and_the_ends_take_the_rest() {
        let histogram =
            Histogram::new("v", [0.0, 4.0], 4).layer("all", [-9.0, 0.0, 0.9, 1.0, 3.9, 4.0, 99.0, f32::NAN]);
        assert_eq!(histogram.layers[0].1, [3, 1, 0, 3]);
    }

    #[test]
    fn drawing_names_axis_layers_and_mark() {
        let histogram = Histogram::new("grey level", [0.0, 255.0], 256)
            .layer("all", (0..1000).map(|v| (v % 256) as f32))
            .layer("foreground", [200.0])
            .mark(41.0, "threshold 41");
        let svg = histogram.draw(500.0, "grey levels");
        for text in ["grey level", "pixels per bin", ">all<", ">foreground<", ">threshold 41<", ">10<", "bars-1"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert_eq!(svg.matches("<polygon").count(), 4);
    }

    #[test]
    fn equal_bars_are_one_step_and_empty_ones_lie_on_the_axis() {
        let y = Scale::decades(1.0, 10.0, [100.0, 0.0]);
        let points = steps(&[0, 10, 10, 0], &y, [0.0, 100.0], 1.0);
        assert_eq!(points, [[1.0, 100.0], [1.0, 0.0], [3.0, 0.0], [3.0, 100.0], [4.0, 100.0], [4.0, 100.0]]);
    }

    #[test]
    fn nothing_counted_is_drawn_empty() {
        assert!(Histogram::new("v", [1.0, 1.0], 0).layer("none", []).draw(300.0, "").contains("</svg>"));
    }
}
