use base64::{Engine, prelude::BASE64_STANDARD};

/// Width of a character of the label font, in units of its size: that of a digit in the widest usual sans-serif.
const CHARACTER_WIDTH: f64 = 0.64;

/// Where a text sits relative to its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Name of a picture that several drawings of a page show and one of them stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SharedPicture(pub(super) String);

/// A drawing under construction, in CSS pixels; colours and fonts come from the page's style by class.
#[derive(Clone, Debug)]
pub(super) struct Svg {
    size: [f64; 2],
    body: String,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { size: [width, height], body: String::new() }
    }

    /// Straight line.
    pub(super) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(short);
        self.body += &format!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
    }

    /// Open line through points; a point that is not finite interrupts it.
    pub(super) fn polyline(&mut self, class: &str, points: &[[f64; 2]]) {
        for run in points.split(|p| !p.iter().all(|c| c.is_finite())).filter(|run| !run.is_empty()) {
            self.body += &format!("<polyline class=\"{class}\" points=\"{}\"/>", join(run));
        }
    }

    /// Closed outline.
    pub(super) fn polygon(&mut self, class: &str, points: &[[f64; 2]]) {
        self.body += &format!("<polygon class=\"{class}\" points=\"{}\"/>", join(points));
    }

    /// Disc or ring.
    pub(super) fn circle(&mut self, class: &str, [x, y]: [f64; 2], radius: f64) {
        let [x, y, r] = [x, y, radius].map(short);
        self.body += &format!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>");
    }

    /// Upright text on its baseline.
    pub(super) fn text(&mut self, class: &str, anchor: Anchor, [x, y]: [f64; 2], text: &str) {
        let [x, y] = [x, y].map(short);
        let anchor = anchor_name(anchor);
        self.body +=
            &format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>", escape(text));
    }

    /// Text that runs upwards, centred.
    pub(super) fn text_upwards(&mut self, class: &str, [x, y]: [f64; 2], text: &str) {
        let [x, y] = [x, y].map(short);
        self.body += &format!(
            "<text class=\"{class}\" transform=\"translate({x} {y}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escape(text)
        );
    }

    /// PNG stretched over a rectangle.
    pub(super) fn png(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], png: &[u8]) {
        let [x, y, width, height] = [x, y, width, height].map(short);
        let data = BASE64_STANDARD.encode(png);
        self.body += &format!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
             href=\"data:image/png;base64,{data}\"/>"
        );
    }

    /// PNG stretched over a rectangle from the corner, for other drawings to show again.
    pub(super) fn stored_png(&mut self, [width, height]: [f64; 2], png: &[u8], name: &SharedPicture) {
        let ([width, height], name) = ([width, height].map(short), escape(&name.0));
        let data = BASE64_STANDARD.encode(png);
        // Of unit size, so that each drawing stretches it as it needs.
        self.body += &format!(
            "<g transform=\"scale({width} {height})\"><image id=\"{name}\" width=\"1\" height=\"1\" \
             preserveAspectRatio=\"none\" href=\"data:image/png;base64,{data}\"/></g>"
        );
    }

    /// A picture stored in another drawing of the page.
    pub(super) fn shared_png(&mut self, [width, height]: [f64; 2], name: &SharedPicture) {
        let ([width, height], name) = ([width, height].map(short), escape(&name.0));
        self.body += &format!("<use href=\"#{name}\" transform=\"scale({width} {height})\"/>");
    }

    /// The drawing as an element of the page; `alt` says what it shows to those who do not see it.
    pub(super) fn finish(self, alt: &str) -> String {
        let [width, height] = self.size.map(short);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{}\" width=\"{width}\" \
             height=\"{height}\" viewBox=\"0 0 {width} {height}\">{}</svg>",
            escape(alt),
            self.body
        )
    }
}

/// Room that a text needs, in units of its font size times `font_px`.
pub(super) fn text_width(text: &str, font_px: f64) -> f64 {
    text.chars().count() as f64 * CHARACTER_WIDTH * font_px
}

/// Text that is safe between tags and within quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Control characters are not allowed in a page, escaped or not.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

fn anchor_name(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

/// Hundredths of a pixel are more than any screen shows; what is not finite would spoil the whole drawing.
fn short(coordinate: f64) -> f64 {
    if coordinate.is_finite() { (coordinate * 100.0).round() / 100.0 } else { 0.0 }
}

fn join(points: &[[f64; 2]]) -> String {
    points.iter().map(|[x, y]| format!("{},{}", short(*x), short(*y))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_element() {
        assert_eq!(escape("<b a=\"x\" b='y'>&\u{1}"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\u{fffd}");
        let mut svg = Svg::new(10.0, 5.0);
        svg.text("label", Anchor::Start, [1.0, 2.0], "</text><script>");
        let drawing = svg.finish("a\" onload=\"x");
        assert!(!drawing.contains("<script>") && !drawing.contains("\" onload"));
        assert!(drawing.contains("viewBox=\"0 0 10 5\""));
    }

    #[test]
    fn gaps_in_the_data_are_gaps_in_the_line() {
        let mut svg = Svg::new(1.0, 1.0);
        svg.polyline("curve", &[[0.0, 0.0], [1.0, f64::NAN], [2.0, 2.0], [3.0, 1.0 / 3.0]]);
        assert_eq!(
            svg.body,
            "<polyline class=\"curve\" points=\"0,0\"/><polyline class=\"curve\" points=\"2,2 3,0.33\"/>"
        );
    }
}
