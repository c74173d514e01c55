use super::{Panel, svg::escape};

/// Room across the page, as in its style.
const PAGE_PX: f64 = 1080.0;
/// Room between neighbouring panels, as in the page's style.
const GAP_PX: f64 = 20.0;
/// Widest chart or drawing; beyond it lines get too long to read.
const MAX_DRAWING_PX: f64 = 760.0;
/// Panels in one row.
const ROW: usize = 4;

/// Panels side by side under one caption; slices in one row are drawn at one scale.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    caption: String,
    panels: Vec<Panel>,
}

impl Figure {
    /// Figure without panels; the caption says what one sees.
    pub(crate) fn new(caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), panels: Vec::new() }
    }

    /// Adds a panel to the right; after four a new row begins.
    #[must_use]
    pub(crate) fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// Adds several panels.
    #[must_use]
    pub(crate) fn panels(mut self, panels: impl IntoIterator<Item = Panel>) -> Self {
        self.panels.extend(panels);
        self
    }

    pub(super) fn html(&self) -> String {
        let columns = self.panels.len().min(ROW);
        let rows: String = self.panels.chunks(ROW).map(|panels| row_html(panels, columns)).collect();
        format!("<figure>{rows}<figcaption>{}</figcaption></figure>", escape(&self.caption))
    }
}

fn row_html(panels: &[Panel], columns: usize) -> String {
    let mut html = String::from("<div class=\"panels\">");
    for (panel, width) in panels.iter().zip(widths(panels, columns)) {
        html += &format!(
            "<div class=\"panel\" style=\"flex-basis:{width:.0}px\"><p class=\"panel-title\"><strong>{}</strong> \
             <span>{}</span></p>{}</div>",
            escape(&panel.title),
            escape(&panel.scale_text()),
            panel.draw(width)
        );
    }
    html + "</div>"
}

/// Width of each panel of a row: equal shares for drawings, one common scale for slices. A last row of fewer panels than
/// `columns` leaves the rest of the page free.
fn widths(panels: &[Panel], columns: usize) -> Vec<f64> {
    let share = (PAGE_PX - GAP_PX * (columns as f64 - 1.0)) / columns as f64;
    let extents: Vec<_> = panels.iter().filter_map(Panel::extent).collect();
    let metric = extents.iter().all(|e| e.metric);
    // Slices without a size in millimetres cannot share a scale; they share a width instead.
    let natural = |[w, h]: [f64; 2]| if metric { [w, h] } else { [1.0, h / w] };
    let [across, tallest] =
        extents.iter().map(|e| natural(e.size)).fold([0.0; 2], |[sum, max], [w, h]| [sum + w, h.max(max)]);
    let margins: f64 = panels.iter().map(Panel::margin_px).sum();
    let highest = panels.iter().map(Panel::max_height_px).fold(f64::INFINITY, f64::min);
    let scale = ((share * extents.len() as f64 - margins) / across).min(highest / tallest);
    let width = |panel: &Panel| match panel.extent() {
        Some(extent) => natural(extent.size)[0] * scale + panel.margin_px(),
        None => share.min(MAX_DRAWING_PX),
    };
    panels.iter().map(width).collect()
}

#[cfg(test)]
mod tests {
    use kerma::data::{Image, Sample, Unit};

    use super::*;
    use crate::{
        pictures::{Slice, Window},
        report::Chart,
    };

    fn panel(size: [usize; 2], spacing: Option<[f64; 2]>) -> Panel {
        let image = Image::new(size, spacing, Sample::Float, Unit::Arbitrary, vec![0.0; size[0] * size[1]]).unwrap();
        Panel::grey("picture", Slice::of_image(&image), Window::new(0.0, 1.0))
    }

    #[test]
    fn slices_of_a_row_share_the_page_at_one_scale() {
        let metric = widths(&[panel([300, 200], Some([1.0, 1.0])), panel([75, 50], Some([2.0, 2.0]))], 2);
        assert!((metric[0] - 2.0 * metric[1]).abs() < 1e-9);
        assert!((metric.iter().sum::<f64>() + GAP_PX - PAGE_PX).abs() < 1e-9);
        let unknown = widths(&[panel([30, 20], None), panel([75, 50], Some([2.0, 2.0]))], 2);
        assert_eq!(unknown[0], unknown[1]);
    }

    #[test]
    fn a_last_row_of_fewer_panels_has_the_widths_of_the_others() {
        let row = |count: usize| widths(&vec![panel([30, 20], Some([1.0, 1.0])); count], ROW);
        assert!((row(ROW)[0] - row(ROW - 1)[0]).abs() < 1e-9);
        let alone = widths(&vec![panel([30, 20], Some([1.0, 1.0])); ROW - 1], ROW - 1);
        assert!(alone[0] > 1.2 * row(ROW)[0], "the control: a single row fills the page");
    }

    #[test]
    fn tall_pictures_and_lone_charts_stay_within_bounds() {
        let tall = widths(&[panel([100, 1000], Some([1.0, 1.0]))], 1);
        assert!((tall[0] - 56.0).abs() < 1e-9);
        assert_eq!(widths(&[Panel::chart("c", Chart::new("x", "y"))], 1), [MAX_DRAWING_PX]);
    }
}
