//! The report of one enhancement: before and after, grey levels, foreground, stages, numbers and time.

use kerma::data::{Image, Sample};

use crate::{
    pictures::{Slice, Window, outlines},
    report::{Figure, Histogram, MAX_STORED_PX, Panel, Report, Section, Side, Summary, Table, significant},
};

/// Share of the pixels at either end that a window leaves out.
const TAIL: f64 = 0.002;
/// Share of a band's coefficients beyond the ends of its colours.
const BAND_TAIL: f64 = 0.005;
/// Most bins of a histogram: two pixels of the page each.
const MAX_BINS: usize = 256;

/// Longest side of the pictures of stages, which stand several in a row.
const MAX_STAGE_PX: f64 = 600.0;
/// Title of the pair; other pictures of the page are taken from it.
const PAIR: &str = "Before and after";

/// What the page shows.
pub(super) struct Run<'a> {
    /// Name of the image, for people.
    pub(super) name: &'a str,
    /// The preset's name, or that of the step done alone, and what it is for.
    pub(super) recipe: &'a str,
    pub(super) description: &'a str,
    /// The image as it entered the first step, bright where much was attenuated; the original where there is no such.
    pub(super) before: &'a Image,
    pub(super) after: &'a Image,
    /// Zero outside the foreground.
    pub(super) mask: Option<&'a Image>,
    pub(super) mask_share: Option<f64>,
    /// Threshold in grey levels, of which there are 2 to the power of `bits`.
    pub(super) threshold: Option<u32>,
    /// The threshold found, where it was taken for one within the object.
    pub(super) rejected_threshold: Option<u32>,
    /// Whether the foreground was tidied up.
    pub(super) is_tidied: bool,
    pub(super) bits: u8,
    /// Bits of the result's grey levels.
    pub(super) after_bits: u8,
    /// Noise of each band in grey levels, finest first.
    pub(super) band_noise: &'a [f32],
    /// Stages that were kept, with their names.
    pub(super) kept: Vec<(String, &'a Image)>,
    /// Passes in their order, with their milliseconds.
    pub(super) passes: Vec<(&'a str, f64)>,
    /// Where it was computed and what it took.
    pub(super) summary: Summary,
}

/// The whole page.
pub(super) fn report(run: &Run<'_>) -> Report {
    let [columns, rows] = run.before.size();
    let lead = format!("{} × {} pixels, {} bits, {}: {}", columns, rows, run.bits, run.recipe, run.description);
    let mut report = Report::new(format!("{}, enhanced", run.name), lead.trim_end_matches([':', ' ']))
        .summary(run.summary.clone())
        .section(before_and_after(run))
        .section(grey_levels(run));
    if let Some(mask) = run.mask {
        report = report.section(foreground(run, mask));
    }
    if !run.kept.is_empty() {
        report = report.section(stages(run));
    }
    report.section(numbers(run)).section(keep_in_mind())
}

fn shown(image: &Image) -> (Slice, Window) {
    let slice = Slice::of_image(image);
    let window = Window::covering(&slice, TAIL);
    (slice, window)
}

fn before_and_after(run: &Run<'_>) -> Section {
    let [before, after] = [run.before, run.after].map(shown);
    let panel = |title, side, (slice, window): &(Slice, Window)| {
        Panel::grey(title, slice.clone(), *window).shown_in(PAIR, side)
    };
    let pair = [panel("Before", Side::Before, &before), panel("After", Side::After, &after)];
    Section::new(PAIR)
        .figure(
            Figure::new(
                "Left of the line the image as it entered the first step, right of it the result. The line follows the pointer and stays where \
                 one clicks; from the keyboard, Tab reaches it and the arrow keys move it. Either picture has its own black \
                 and white, chosen alike.",
            )
            .panel(Panel::compared(PAIR, before, after)),
        )
        .figure(Figure::new("The same side by side.").panels(pair))
}

/// Grey levels of a pixel: whole numbers as they are, floating-point values spread over the range that `before` has.
fn levels(before: &Image, image: &Image, bits: u8) -> impl Fn(f32) -> f32 + use<> {
    let range = before.values().iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[l, h], v| [l.min(*v), h.max(*v)]);
    let top = top(bits) as f32;
    let [offset, scale] = match image.sample() {
        Sample::Unsigned { .. } => [0.0, 1.0],
        Sample::Float if range[1] > range[0] => [range[0], top / (range[1] - range[0])],
        Sample::Float => [range[0], 0.0],
    };
    move |value| (value - offset) * scale
}

fn top(bits: u8) -> f64 {
    f64::from(bits).exp2() - 1.0
}

fn grey_levels(run: &Run<'_>) -> Section {
    let histogram = |image: &Image, bits: u8| {
        let bins = MAX_BINS.min(1 << bits.min(16));
        let level = levels(run.before, image, bits);
        let all = image.values().iter().map(|v| level(*v));
        // Bins end between levels, so that each holds as many of them.
        let counted = Histogram::new("grey level", [0.0, top(bits) + 1.0], bins).layer("all pixels", all);
        match run.mask.filter(|mask| mask.size() == image.size()) {
            Some(mask) => {
                let pairs = image.values().iter().zip(mask.values());
                counted.layer("foreground", pairs.filter(|(_, inside)| **inside != 0.0).map(|(v, _)| level(*v)))
            }
            None => counted,
        }
    };
    let before = match run.threshold.filter(|_| run.rejected_threshold.is_none()) {
        Some(level) => histogram(run.before, run.bits).mark(f64::from(level), format!("threshold {level}")),
        None => histogram(run.before, run.bits),
    };
    Section::new("Grey levels").figure(
        Figure::new("How often grey levels occur, before and after. Counts are drawn on a logarithmic scale.")
            .panel(Panel::histogram("Before", before))
            .panel(Panel::histogram("After", histogram(run.after, run.after_bits))),
    )
}

fn foreground(run: &Run<'_>, mask: &Image) -> Section {
    let (slice, window) = shown(run.before);
    let share = run.mask_share.map_or_else(String::new, |s| format!(" It holds {} of the pixels.", percent(s)));
    let text = match (run.rejected_threshold, run.threshold) {
        (Some(level), _) => format!(
            "The threshold found, grey level {level}, lies within the object: no direct exposure is seen, and all above the \
             lowest level is foreground.{share}"
        ),
        (None, Some(level)) if run.is_tidied => {
            format!("The foreground lies above grey level {level}, tidied up.{share}")
        }
        (None, Some(level)) => format!("The foreground lies above grey level {level}.{share}"),
        (None, None) => format!("The foreground was given.{share}"),
    };
    let outlined = Panel::grey("Foreground", slice, window)
        .shown_in(PAIR, Side::Before)
        .outlined(outlines(&Slice::of_image(mask)));
    Section::new("Foreground").text(text).figure(
        Figure::new("Outline of the foreground over the image before the first step.")
            .panel(outlined.alt("The radiograph with the foreground outlined")),
    )
}

fn stages(run: &Run<'_>) -> Section {
    let panel = |(name, image): &(String, &Image)| {
        let (slice, window) = shown(image);
        let signed = slice.values().iter().any(|v| *v < 0.0);
        if signed {
            let Window { black, white } = Window::covering(&slice, BAND_TAIL);
            return Panel::errors(name.as_str(), slice, black.abs().max(white.abs())).stored_within(MAX_STAGE_PX);
        }
        Panel::grey(name.as_str(), slice, window).stored_within(MAX_STAGE_PX)
    };
    Section::new("Stages").figure(
        Figure::new("What was kept on the way, in the order of the steps; bands in colours around zero.")
            .panels(run.kept.iter().map(panel)),
    )
}

fn numbers(run: &Run<'_>) -> Section {
    let [columns, rows] = run.before.size();
    let levels = (top(run.bits) + 1.0).to_string();
    let spacing = run.before.spacing_mm().map(|mm| mm.map(|mm| significant(mm, 4)));
    let mut facts = Table::new("What was found", ["Quantity", "Value", "Meaning"])
        .row(["Size", &format!("{columns} × {rows}"), "columns × rows"])
        .row(["Bits", &run.bits.to_string(), &format!("{levels} grey levels to reckon with")]);
    if run.after_bits != run.bits {
        facts = facts.row(["Bits of the result", &run.after_bits.to_string(), "its grey levels are spread over these"]);
    }
    if let Some([across, down]) = spacing {
        facts = facts.row(["Spacing", &format!("{across} × {down} mm"), "between columns × between rows"]);
    }
    if let Some(level) = run.threshold.filter(|_| run.rejected_threshold.is_none()) {
        let share = format!("{} of the range; the foreground lies above", percent(f64::from(level) / top(run.bits)));
        facts = facts.row(["Threshold", &level.to_string(), &share]);
    }
    if let Some(share) = run.mask_share {
        facts = facts.row(["Foreground", &percent(share), "share of the pixels"]);
    }
    for (number, noise) in run.band_noise.iter().enumerate() {
        let name = format!("Noise of band {}", number + 1);
        let pixels = 1_u32.checked_shl(number as u32).unwrap_or(0);
        let meaning =
            format!("standard deviation in grey levels; structures of about {pixels} to {} pixels", 2 * pixels);
        facts = facts.row([&name, &significant(f64::from(*noise), 3), &meaning]);
    }
    let section = Section::new("Numbers and time").table(facts);
    if run.passes.is_empty() {
        return section.text("The device cannot time passes; the summary above has the time of the whole.");
    }
    section.table(Table::timing("Time per pass", summed(&run.passes)))
}

/// Passes of one name as one stage, in seconds, in the order in which names first occur.
fn summed(passes: &[(&str, f64)]) -> Vec<(String, f64)> {
    let mut stages: Vec<(&str, usize, f64)> = Vec::new();
    for &(name, milliseconds) in passes {
        match stages.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, count, sum)) => {
                *count += 1;
                *sum += milliseconds;
            }
            None => stages.push((name, 1, milliseconds)),
        }
    }
    let named = |name: &str, count| if count == 1 { name.to_owned() } else { format!("{name} × {count}") };
    stages.into_iter().map(|(name, count, ms)| (named(name, count), ms * 1e-3)).collect()
}

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

fn keep_in_mind() -> Section {
    let pictures =
        format!("The pictures on this page have 8 bits and at most {MAX_STORED_PX} pixels a side; the files have all.");
    Section::new("What to keep in mind").notes([
        "Not for diagnosis: a demonstration of computations.",
        "Enhanced grey values are no measure of density or exposure any more: they depend on their surroundings.",
        "What is faint is raised, whether it is a structure or noise. Compare with the image before the first step.",
        &pictures,
    ])
}

#[cfg(test)]
mod tests {
    use kerma::data::Unit;

    use super::*;

    const SIZE: [usize; 2] = [640, 760];

    fn image(sample: Sample, value: impl Fn(f64, f64) -> f64) -> Image {
        let [columns, rows] = SIZE;
        let at =
            |i: usize| value((i % columns) as f64 / columns as f64 - 0.5, (i / columns) as f64 / rows as f64 - 0.5);
        let values = (0..columns * rows).map(|i| at(i) as f32).collect();
        Image::new(SIZE, Some([0.5, 0.5]), sample, Unit::Arbitrary, values).unwrap()
    }

    fn ellipse(x: f64, y: f64, [cx, cy]: [f64; 2], [a, b]: [f64; 2]) -> f64 {
        let radius = ((x - cx) / a).hypot((y - cy) / b);
        1.0 / (1.0 + ((radius - 1.0) * 40.0).exp())
    }

    /// Something like a chest; `contrast` tells before from after.
    fn chest(x: f64, y: f64, contrast: f64) -> f64 {
        let body = ellipse(x, y, [0.0, 0.05], [0.42, 0.47]);
        let lungs = ellipse(x, y, [-0.19, -0.02], [0.13, 0.26]) + ellipse(x, y, [0.19, -0.02], [0.13, 0.26]);
        let ribs = (y * 60.0 - x.abs() * 18.0).sin().max(0.0) * lungs * 0.1;
        let spine = ellipse(x, y, [0.0, 0.1], [0.035, 0.5]) * 0.2;
        let grain = ((x * 9173.0).sin() * (y * 7129.0).cos() * 4e4).fract() * 0.03;
        ((body * 0.55 - lungs * 0.35 + contrast * (ribs + spine + 0.05 * body * (40.0 * x).sin())) + 0.1 + grain * body)
            .max(0.0)
            * 4095.0
            * 0.8
    }

    fn page() -> String {
        let twelve = Sample::Unsigned { bits: 12 };
        let before = image(twelve, |x, y| chest(x, y, 0.3).round());
        let after = image(twelve, |x, y| chest(x, y, 1.4).round());
        let mask = image(Sample::Unsigned { bits: 8 }, |x, y| if chest(x, y, 0.0) > 420.0 { 255.0 } else { 0.0 });
        let band = image(Sample::Float, |x, y| chest(x, y, 1.4) - chest(x, y, 0.3));
        let run = Run {
            name: "chest <1>.dcm",
            recipe: "chest",
            description: "Chest radiographs of adults: soft contrast in the mediastinum, calm lungs.",
            before: &before,
            after: &after,
            mask: Some(&mask),
            mask_share: Some(0.571),
            threshold: Some(420),
            rejected_threshold: None,
            is_tidied: true,
            bits: 12,
            after_bits: 12,
            band_noise: &[3.1, 1.9, 1.2],
            kept: vec![("clahe".into(), &after), ("band1".into(), &band)],
            passes: vec![
                ("quantise", 3.1),
                ("histogram.count", 9.0),
                ("pyramid.reduce", 11.0),
                ("pyramid.reduce", 3.0),
            ],
            summary: Summary { device: "cpu".into(), run_seconds: Some(0.0271), ..Summary::default() },
        };
        report(&run).to_html()
    }

    #[test]
    fn page_holds_the_pictures_the_histograms_the_outline_and_the_numbers() {
        let html = page();
        // Two in one frame, one kept; band and colour bar.
        assert_eq!(html.matches("data:image/png;base64,").count(), 5);
        // The pair stands side by side again, and its first picture under the outline.
        for (side, count) in [("before", 2), ("after", 1)] {
            assert_eq!(html.matches(&format!("<use href=\"#before-and-after-{side}\"")).count(), count);
            assert_eq!(html.matches(&format!("<image id=\"before-and-after-{side}\"")).count(), 1);
        }
        for part in [
            "chest &lt;1&gt;.dcm, enhanced",
            "<fieldset class=\"compare\"",
            ">threshold 420<",
            ">foreground<",
            "<polygon class=\"outline\"",
            ">57.1 %<",
            "Noise of band 3",
            "pyramid.reduce × 2",
            ">14 ms<",
        ] {
            assert!(html.contains(part), "{part} is missing");
        }
        assert!(!html.contains("<script"));
        if let Some(path) = std::env::var_os("KERMA_SAMPLE_ENHANCEMENT") {
            std::fs::write(path, html).unwrap();
        }
    }

    #[test]
    fn floating_point_values_are_counted_as_grey_levels() {
        let values = vec![-1.0, 0.0, 3.0];
        let image = Image::new([3, 1], None, Sample::Float, Unit::Arbitrary, values).unwrap();
        let level = levels(&image, &image, 16);
        assert_eq!([-1.0, 3.0].map(level), [0.0, 65535.0]);
        let result = Image::new([1, 1], None, Sample::Float, Unit::Arbitrary, vec![1.0]).unwrap();
        assert_eq!(levels(&image, &result, 16)(1.0), 32767.5);
        let flat = Image::new([1, 1], None, Sample::Float, Unit::Arbitrary, vec![7.0]).unwrap();
        assert_eq!(levels(&flat, &flat, 16)(7.0), 0.0);
    }

    #[test]
    fn a_run_without_mask_threshold_or_times_has_a_page_too() {
        let image = image(Sample::Unsigned { bits: 8 }, |x, _| (x * 255.0).abs().round());
        let run = Run {
            name: "a.png",
            recipe: "laplacian",
            description: "",
            before: &image,
            after: &image,
            mask: None,
            mask_share: None,
            threshold: None,
            rejected_threshold: None,
            is_tidied: true,
            bits: 8,
            after_bits: 8,
            band_noise: &[],
            kept: Vec::new(),
            passes: Vec::new(),
            summary: Summary::default(),
        };
        let html = report(&run).to_html();
        assert!(html.contains("8 bits, laplacian</p>") && html.contains("cannot time passes"));
        assert!(!html.contains(">Foreground<") && !html.contains(">Stages<"));
    }
}
