use glam::DVec3;
use kerma::{
    data::{Grid, Unit, Volume},
    geometry::Geometry,
};

use super::{
    Chart, Histogram,
    chart::FONT_PX,
    compare::{self, Side},
    number::significant,
    scale::nice_length,
    scanner, space,
    svg::{Anchor, SharedPicture, Svg, text_width},
};
use crate::pictures::{Diverging, Plane, Raster, Resample, Slice, Window};

/// Stored pixels per drawn pixel: sharp on dense screens and on paper, and still a page of few megabytes.
const DENSITY: f64 = 1.5;
/// Most stored pixels per drawn pixel of a fine slice: what is left to be seen when the reader zooms in.
const MAX_DENSITY: f64 = 3.0;
/// Longest side of a stored picture; larger slices are averaged down.
pub(crate) const MAX_STORED_PX: f64 = 1200.0;
/// Tallest picture: one that fits a screen together with its caption.
const MAX_PICTURE_PX: f64 = 560.0;
/// Tallest pair of pictures in one frame, which is looked at by itself.
const MAX_COMPARED_PX: f64 = 760.0;
/// Marks of a colour bar, in units of its limit.
const BAR_MARKS: [f64; 5] = [-1.0, -0.5, 0.0, 0.5, 1.0];
/// Share of the picture's width that the scale bar may take.
const SCALE_BAR_SHARE: f64 = 0.3;
/// Pictures narrower than this carry no letters and no scale bar.
const MIN_LABELLED_PX: f64 = 110.0;

/// One drawing of a figure with its title.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(super) title: String,
    alt: Option<String>,
    content: Content,
    lines_mm: Vec<[DVec3; 2]>,
    outlines: Vec<Vec<[f64; 2]>>,
    resample: Resample,
    max_stored_px: f64,
    shared: Option<SharedPicture>,
}

#[derive(Clone, Debug)]
enum Content {
    Grey(Slice, Window),
    Errors(Slice, Diverging),
    Compared([(Slice, Window); 2]),
    Chart(Chart),
    Histogram(Histogram),
    Scanner(Box<Geometry>, Option<Grid>, scanner::Side),
    Space(Box<Geometry>, Option<Grid>),
}

impl Panel {
    /// A slice in grey; the window is stated beside the title.
    pub(crate) fn grey(title: impl Into<String>, slice: Slice, window: Window) -> Self {
        Self::new(title, Content::Grey(slice, window))
    }

    /// A slice of signed errors in blue, white and red with a colour bar from −`limit` to +`limit`.
    pub(crate) fn errors(title: impl Into<String>, slice: Slice, limit: f32) -> Self {
        Self::new(title, Content::Errors(slice, Diverging::new(limit)))
    }

    /// Two slices of one size in one frame; the reader moves the line between them. Its title stands once on a page.
    pub(crate) fn compared(title: impl Into<String>, before: (Slice, Window), after: (Slice, Window)) -> Self {
        Self::new(title, Content::Compared([before, after]))
    }

    /// How often values occur.
    pub(crate) fn histogram(title: impl Into<String>, histogram: Histogram) -> Self {
        Self::new(title, Content::Histogram(histogram))
    }

    /// A line chart.
    pub(crate) fn chart(title: impl Into<String>, chart: Chart) -> Self {
        Self::new(title, Content::Chart(chart))
    }

    /// A drawing of source, detector and, if given, the volume's box.
    pub(crate) fn scanner(title: impl Into<String>, geometry: &Geometry, grid: Option<&Grid>) -> Self {
        Self::new(title, Content::Scanner(Box::new(geometry.clone()), grid.copied(), scanner::Side::of(geometry)))
    }

    /// Source and detector around the volume, from all three sides: seen from +x, +z and −y.
    pub(crate) fn scanner_sides(geometry: &Geometry, grid: Option<&Grid>) -> [Self; 3] {
        scanner::Side::all().map(|side| {
            let content = Content::Scanner(Box::new(geometry.clone()), grid.copied(), side);
            Self::new(side.plane, content)
        })
    }

    /// Source path, detectors of a few views and volume in one picture.
    pub(crate) fn scanner_in_space(title: impl Into<String>, geometry: &Geometry, grid: Option<&Grid>) -> Self {
        Self::new(title, Content::Space(Box::new(geometry.clone()), grid.copied()))
    }

    /// Axial, coronal and sagittal slices of a volume through one point.
    pub(crate) fn planes(volume: &Volume, through_mm: DVec3, window: Window) -> [Self; 3] {
        Plane::ALL.map(|plane| Self::grey(plane.name(), Slice::of_volume(volume, plane, through_mm), window))
    }

    fn new(title: impl Into<String>, content: Content) -> Self {
        let title = title.into();
        Self {
            title,
            alt: None,
            content,
            lines_mm: Vec::new(),
            outlines: Vec::new(),
            resample: Resample::Smooth,
            max_stored_px: MAX_STORED_PX,
            shared: None,
        }
    }

    /// What the drawing shows, for those who do not see it; by default made of title and scale.
    #[must_use]
    pub(crate) fn alt(mut self, alt: impl Into<String>) -> Self {
        self.alt = Some(alt.into());
        self
    }

    /// Draws a dashed line over the slice, for instance where a profile was taken.
    #[must_use]
    pub(crate) fn line_mm(mut self, from: DVec3, to: DVec3) -> Self {
        self.lines_mm.push([from, to]);
        self
    }

    /// Draws closed lines over the slice; points are shares of its width and height.
    #[must_use]
    pub(crate) fn outlined(mut self, outlines: Vec<Vec<[f64; 2]>>) -> Self {
        self.outlines = outlines;
        self
    }

    /// Shows the voxels as they are, without smoothing between them.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn pixelated(mut self) -> Self {
        self.resample = Resample::Nearest;
        self
    }

    /// Stores the picture with at most so many pixels a side.
    #[must_use]
    pub(crate) fn stored_within(mut self, side_px: f64) -> Self {
        self.max_stored_px = side_px;
        self
    }

    /// Shows the picture that a pair on the same page stores, which must be the same slice in the same window.
    #[must_use]
    pub(crate) fn shown_in(mut self, pair_title: &str, side: Side) -> Self {
        self.shared = Some(compare::picture(pair_title, side));
        self
    }

    /// The grey scale, the colour scale or the side one looks from, in words; empty for charts.
    pub(super) fn scale_text(&self) -> String {
        match &self.content {
            Content::Grey(slice, window) => grey_text(slice, *window),
            Content::Compared([(before, old), (after, new)]) => {
                format!("before: {}; after: {}", grey_text(before, *old), grey_text(after, *new))
            }
            Content::Errors(slice, scale) => {
                format!("±{}{}", significant(f64::from(scale.limit()), 3), unit_text(slice.unit()))
            }
            Content::Scanner(_, _, side) => format!("seen from {}", side.seen_from),
            Content::Space(..) => format!("seen from {}", space::SEEN_FROM),
            Content::Chart(_) | Content::Histogram(_) => String::new(),
        }
    }

    /// Extent of a slice; `None` for other drawings.
    pub(super) fn extent(&self) -> Option<Extent> {
        let (Content::Grey(slice, _) | Content::Errors(slice, _) | Content::Compared([(slice, _), _])) = &self.content
        else {
            return None;
        };
        let [columns, rows] = slice.size().map(|n| n as f64);
        let [across, down] = slice.pixel_mm().unwrap_or([1.0; 2]);
        Some(Extent { metric: slice.pixel_mm().is_some(), size: [columns * across, rows * down] })
    }

    /// Tallest that the picture may be drawn.
    pub(super) fn max_height_px(&self) -> f64 {
        if matches!(self.content, Content::Compared(_)) { MAX_COMPARED_PX } else { MAX_PICTURE_PX }
    }

    /// Room beside the picture itself.
    pub(super) fn margin_px(&self) -> f64 {
        let Content::Errors(_, scale) = &self.content else { return 0.0 };
        let widest =
            BAR_MARKS.map(|mark| text_width(&mark_label(*scale, mark), FONT_PX)).into_iter().fold(0.0, f64::max);
        2.8 * FONT_PX + widest
    }

    /// The drawing, `width` pixels wide including its margin.
    pub(super) fn draw(&self, width: f64) -> String {
        let scale = self.scale_text();
        let described = if scale.is_empty() { self.title.clone() } else { format!("{}, {scale}", self.title) };
        let alt = self.alt.clone().unwrap_or(described);
        match &self.content {
            Content::Grey(slice, window) => {
                let picture = match &self.shared {
                    Some(name) => Picture::Elsewhere(name),
                    None => Picture::Here(Raster::grey(slice, *window)),
                };
                self.draw_slice(slice, picture, width, &alt)
            }
            Content::Errors(slice, scale) => {
                self.draw_slice(slice, Picture::Here(Raster::diverging(slice, *scale)), width, &alt)
            }
            Content::Compared([old, new]) => {
                let [before, after] = [(Side::Before, old), (Side::After, new)].map(|(side, (slice, window))| {
                    let name = compare::picture(&self.title, side);
                    let picture = Picture::Stored(Raster::grey(slice, *window), &name);
                    self.draw_slice(slice, picture, width, &format!("{}, {}", self.title, side.name()))
                });
                compare::html(&self.title, &before, &after, width)
            }
            Content::Chart(chart) => chart.draw(width, &alt),
            Content::Histogram(histogram) => histogram.draw(width, &alt),
            Content::Scanner(geometry, grid, side) => scanner::draw(geometry, grid.as_ref(), *side, width, &alt),
            Content::Space(geometry, grid) => space::draw(geometry, grid.as_ref(), width, &alt),
        }
    }

    fn draw_slice(&self, slice: &Slice, picture: Picture<'_>, width: f64, alt: &str) -> String {
        let [columns, rows] = slice.size().map(|n| n as f64);
        let pixel = slice.pixel_mm().unwrap_or([1.0; 2]);
        let drawn_width = width - self.margin_px();
        let scale = drawn_width / (columns * pixel[0]);
        let drawn = [drawn_width, rows * pixel[1] * scale];

        // Square stored pixels, no coarser than the finer side of the slice's own.
        let finest = 1.0 / (scale * pixel[0].min(pixel[1]));
        let stored_scale = DENSITY.max(finest.min(MAX_DENSITY)).min(self.max_stored_px / drawn[0].max(drawn[1]));
        let encode =
            |raster: Raster| raster.resized(drawn.map(|d| (d * stored_scale).round() as u32), self.resample).png8();

        let mut svg = Svg::new(width, drawn[1]);
        let drawing = match picture {
            Picture::Here(raster) => encode(raster).map(|png| svg.png([0.0; 2], drawn, &png)),
            Picture::Stored(raster, name) => encode(raster).map(|png| svg.stored_png(drawn, &png, name)),
            Picture::Elsewhere(name) => {
                svg.shared_png(drawn, name);
                Ok(())
            }
        };
        if let Err(error) = drawing {
            svg.text("label", Anchor::Start, [0.0, FONT_PX], &format!("no picture: {error}"));
        }
        let on_paper = |world| {
            let [column, row] = slice.pixel_of(world)?;
            Some([(column + 0.5) * pixel[0] * scale, (row + 0.5) * pixel[1] * scale])
        };
        for [from, to] in &self.lines_mm {
            if let (Some(from), Some(to)) = (on_paper(*from), on_paper(*to)) {
                svg.line("mark-halo", from, to);
                svg.line("mark", from, to);
            }
        }
        for outline in &self.outlines {
            let points: Vec<_> = outline.iter().map(|p| [p[0] * drawn[0], p[1] * drawn[1]]).collect();
            svg.polygon("outline-halo", &points);
            svg.polygon("outline", &points);
        }
        let dark = if let Content::Errors(_, scale) = &self.content {
            colour_bar(&mut svg, *scale, slice.unit(), [drawn[0] + FONT_PX, 0.0], drawn[1]);
            " dark"
        } else {
            ""
        };
        if drawn[0].min(drawn[1]) >= MIN_LABELLED_PX {
            letters(&mut svg, slice, drawn, &format!("letter{dark}"));
            if slice.pixel_mm().is_some() {
                scale_bar(&mut svg, scale, drawn, dark);
            }
        }
        svg.finish(alt)
    }
}

/// Where the pixels of a slice come from.
enum Picture<'a> {
    Here(Raster),
    /// Here, for others to show again.
    Stored(Raster, &'a SharedPicture),
    Elsewhere(&'a SharedPicture),
}

/// The grey window in words.
fn grey_text(slice: &Slice, window: Window) -> String {
    let [black, white] = [window.black, window.white].map(|v| significant(f64::from(v), 3));
    format!("black {black}, white {white}{}", unit_text(slice.unit()))
}

/// Size of a slice on the patient or, where that is unknown, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extent {
    pub(super) metric: bool,
    pub(super) size: [f64; 2],
}

/// The unit after a number, with its space; nothing for numbers without one.
fn unit_text(unit: Unit) -> String {
    match unit {
        Unit::Arbitrary => String::new(),
        Unit::LineIntegral => " (line integral)".into(),
        Unit::Transmission => " (transmission)".into(),
        other => format!(" {other}"),
    }
}

fn letters(svg: &mut Svg, slice: &Slice, [width, height]: [f64; 2], class: &str) {
    let (middle_x, middle_y) = (width / 2.0, height / 2.0 + 0.35 * FONT_PX);
    let inset = 0.6 * FONT_PX;
    let places = [
        (Anchor::Start, [inset, middle_y]),
        (Anchor::End, [width - inset, middle_y]),
        (Anchor::Middle, [middle_x, 1.4 * FONT_PX]),
        (Anchor::Middle, [middle_x, height - inset]),
    ];
    for (letter, (anchor, place)) in slice.edge_letters().into_iter().zip(places) {
        if let Some(letter) = letter {
            svg.text(class, anchor, place, letter.encode_utf8(&mut [0; 4]));
        }
    }
}

fn scale_bar(svg: &mut Svg, px_per_mm: f64, [width, height]: [f64; 2], dark: &str) {
    let length_mm = nice_length(SCALE_BAR_SHARE * width / px_per_mm);
    let (left, y) = (0.8 * FONT_PX, height - 0.8 * FONT_PX);
    let right = left + length_mm * px_per_mm;
    svg.line(&format!("scale-halo{dark}"), [left, y], [right, y]);
    svg.line(&format!("scale-bar{dark}"), [left, y], [right, y]);
    let label = format!("{} mm", significant(length_mm, 2));
    svg.text(&format!("letter small{dark}"), Anchor::Start, [left, y - 0.5 * FONT_PX], &label);
}

fn colour_bar(svg: &mut Svg, scale: Diverging, unit: Unit, [x, y]: [f64; 2], height: f64) {
    const ROWS: u32 = 128;
    let (top, bottom) = (y + 1.8 * FONT_PX, y + height - 0.6 * FONT_PX);
    if let Ok(png) = Raster::diverging_bar(ROWS).png8() {
        svg.png([x, top], [FONT_PX, bottom - top], &png);
    }
    // There is room for symbols only; names of quantities stand beside the title.
    if matches!(unit, Unit::Hounsfield | Unit::PerMillimetre) {
        svg.text("label", Anchor::Start, [x, y + FONT_PX], unit_text(unit).trim());
    }
    for mark in BAR_MARKS {
        let tick = bottom + (mark + 1.0) / 2.0 * (top - bottom);
        svg.line("axis", [x + FONT_PX, tick], [x + 1.3 * FONT_PX, tick]);
        let label = mark_label(scale, mark);
        svg.text("label", Anchor::Start, [x + 1.6 * FONT_PX, tick + 0.35 * FONT_PX], &label);
    }
}

fn mark_label(scale: Diverging, mark: f64) -> String {
    significant(mark * f64::from(scale.limit()), 3)
}

#[cfg(test)]
mod tests {
    use kerma::data::{Image, Sample};

    use super::*;

    fn slice(size: [usize; 2], spacing: Option<[f64; 2]>) -> Slice {
        let values = vec![0.5; size[0] * size[1]];
        Slice::of_image(&Image::new(size, spacing, Sample::Float, Unit::PerMillimetre, values).unwrap())
    }

    #[test]
    fn anisotropic_pixels_are_drawn_in_their_proportions() {
        let panel = Panel::grey("Coronal", slice([100, 50], Some([1.0, 4.0])), Window::new(0.0, 0.02));
        let svg = panel.draw(300.0);
        assert!(svg.contains("viewBox=\"0 0 300 600\""));
        assert!(svg.contains("aria-label=\"Coronal, black 0, white 0.02 mm⁻¹\""));
        assert!(svg.contains(">20 mm<"));
    }

    #[test]
    fn error_map_has_a_symmetric_colour_bar() {
        let svg = Panel::errors("Error", slice([200, 200], None), 0.002).draw(384.0);
        assert!([">−0.002<", ">−0.001<", ">0<", ">0.002<"].iter().all(|tick| svg.contains(tick)));
        assert!(!svg.contains(" mm<"), "no scale bar without a pixel size");
    }
}
