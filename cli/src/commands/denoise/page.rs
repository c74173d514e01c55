//! The report of one denoising: before and after, what was taken off, the noise, numbers.

use kerma::data::Image;
use kerma_nn::denoise::{Card, DenoiseOptions, Denoised, Sampler};

use crate::{
    pictures::{Slice, Window},
    report::{
        Chart, Figure, Histogram, MAX_STORED_PX, Panel, Report, Section, Side, Summary, Table, grouped, significant,
    },
};

/// Share of the pixels at either end that a window leaves out.
const TAIL: f64 = 0.002;
/// Deviations at which the colours of what was taken off end.
const COLOUR_REACH: f64 = 3.0;
/// Deviations at which its histogram ends.
const HISTOGRAM_REACH: f64 = 5.0;
/// Bins of the histogram.
const BINS: usize = 200;
/// Points of the curve of noise.
const POINTS: usize = 100;
/// Title of the pair; other pictures of the page are taken from it.
const PAIR: &str = "Before and after";

/// What the page shows.
pub(super) struct Run<'a> {
    /// Name of the image, for people.
    pub(super) name: &'a str,
    pub(super) before: &'a Image,
    /// Whether dense matter has the small values, which are shown bright then, as films show it.
    pub(super) is_dense_dark: bool,
    pub(super) denoised: &'a Denoised,
    /// The model's.
    pub(super) card: &'a Card,
    /// Name of the sampler.
    pub(super) sampler: &'a str,
    pub(super) options: &'a DenoiseOptions,
    /// Whether the noise was told by the user.
    pub(super) is_noise_given: bool,
    /// What is not plain about image or result.
    pub(super) remarks: &'a [String],
    /// Where it was computed and what it took.
    pub(super) summary: Summary,
}

/// What was taken off, and its mean and deviation.
struct Removed {
    slice: Slice,
    mean: f64,
    deviation: f64,
}

impl Removed {
    fn new(before: &Slice, after: &Slice) -> Option<Self> {
        let slice = before.minus(after)?;
        let count = slice.values().len() as f64;
        let sum = |f: &dyn Fn(f64) -> f64| slice.values().iter().map(|v| f(f64::from(*v))).sum::<f64>() / count;
        let mean = sum(&|v| v);
        let deviation = sum(&|v| (v - mean).powi(2)).sqrt();
        Some(Self { slice, mean, deviation })
    }
}

/// The whole page.
pub(super) fn report(run: &Run<'_>) -> Report {
    let [columns, rows] = run.before.size();
    let lead = match run.denoised.unchanged {
        Some(reason) => format!("{columns} × {rows} pixels, returned as it is: {reason}"),
        None => format!("{columns} × {rows} pixels, by {} with the sampler {}", run.card.recipe.name, run.sampler),
    };
    let [before, after] = [run.before, &run.denoised.image].map(Slice::of_image);
    let removed = Removed::new(&before, &after);
    let mut report = Report::new(format!("{}, denoised", run.name), lead)
        .summary(run.summary.clone())
        .section(before_and_after(before, after, run.is_dense_dark));
    if let Some(removed) = removed.as_ref().filter(|removed| removed.deviation > 0.0) {
        report = report.section(taken_off(removed));
    }
    if let Some(section) = noise(run) {
        report = report.section(section);
    }
    report.section(numbers(run, removed.as_ref())).section(keep_in_mind(run))
}

fn before_and_after(before: Slice, after: Slice, is_dense_dark: bool) -> Section {
    let window = Window::covering(&before, TAIL);
    let (window, turned) = match is_dense_dark {
        true => (window.inverted(), ": values grow with the exposure, the smallest are shown white"),
        false => (window, ""),
    };
    let panel = |title, side, slice: &Slice| Panel::grey(title, slice.clone(), window).shown_in(PAIR, side);
    let pair = [panel("Before", Side::Before, &before), panel("After", Side::After, &after)];
    Section::new(PAIR)
        .figure(
            Figure::new(format!(
                "Left of the line the image as it was, right of it the result. The line follows the pointer and stays where \
                 one clicks; from the keyboard, Tab reaches it and the arrow keys move it. Both pictures have the same \
                 black and white{turned}."
            ))
            .panel(Panel::compared(PAIR, (before, window), (after, window))),
        )
        .figure(Figure::new("The same side by side.").panels(pair))
}

fn taken_off(removed: &Removed) -> Section {
    let limit = COLOUR_REACH * removed.deviation;
    let reach = HISTOGRAM_REACH * removed.deviation;
    let histogram = Histogram::new("before minus after", [removed.mean - reach, removed.mean + reach], BINS)
        .layer("all pixels", removed.slice.values().iter().copied());
    Section::new("What was taken off")
        .text(
            "The image before minus the image after. Noise has no shape: edges or organs that can be seen here are structure \
             that was lost.",
        )
        .figure(
            Figure::new("Colours end at three standard deviations of the difference.")
                .panel(Panel::errors("Before minus after", removed.slice.clone(), limit as f32)),
        )
        .figure(
            Figure::new("How often differences occur, on a logarithmic scale.")
                .panel(Panel::histogram("Differences", histogram)),
        )
}

/// The noise that was assumed, over the values that occur.
fn noise(run: &Run<'_>) -> Option<Section> {
    let noise = run.denoised.noise?;
    let Window { black, white } = Window::covering(&Slice::of_image(run.before), TAIL);
    let [low, high] = [black, white].map(f64::from);
    let points = (0..=POINTS).map(|i| {
        let value = low + (high - low) * i as f64 / POINTS as f64;
        [value, noise.sigma_at(value)]
    });
    let source = if run.is_noise_given { "was given" } else { "was estimated from the image" };
    let text = if noise.is_gaussian() {
        format!("The noise {source}: the same everywhere, with a deviation of {}.", significant(noise.sigma_at(0.0), 4))
    } else {
        let [gain, offset] = [noise.gain, noise.offset].map(|v| significant(v, 4));
        format!("The noise {source}: its variance is {gain} · value + {offset}, as quanta give it.")
    };
    let section = Section::new("Noise").text(text);
    if high <= low {
        return Some(section);
    }
    let chart = Chart::new("value", "standard deviation").line("noise", points.collect());
    Some(section.figure(Figure::new("Noise over the values of the image.").panel(Panel::chart("Noise", chart))))
}

fn numbers(run: &Run<'_>, removed: Option<&Removed>) -> Section {
    let Run { denoised, card, .. } = run;
    let mut facts = Table::new("What was found and done", ["Quantity", "Value", "Meaning"]);
    if let Some(sigma) = denoised.sigma {
        facts = facts.row(["σ", &significant(sigma, 4), "noise times strength, the image's range being −1 to 1"]);
    }
    if let (Some(start), Some(diffusion)) = (denoised.start, &card.recipe.diffusion) {
        let meaning = format!("the first of {} steps, counted from 0, with as much noise", diffusion.steps);
        facts = facts.row(["t*", &start.to_string(), &meaning]);
    }
    facts = facts.row(["Strength", &significant(run.options.strength, 4), "factor of the noise's deviation"]).row([
        "Steps",
        &denoised.steps.to_string(),
        "evaluations of the network for each pixel",
    ]);
    if denoised.tiles > 0 {
        let at_once = match denoised.batch {
            0 | 1 => String::new(),
            many => format!(", up to {many} evaluated at once"),
        };
        let meaning = format!("of {0} × {0} pixels, joined smoothly{at_once}", denoised.tile);
        facts = facts.row(["Tiles", &denoised.tiles.to_string(), &meaning]);
    }
    if let Some(Removed { mean, deviation, .. }) = removed {
        facts = facts
            .row(["Deviation of what was taken off", &significant(*deviation, 4), "in the image's units"])
            .row(["Mean of what was taken off", &significant(*mean, 3), "0 where brightness is kept"]);
    }
    let model = Table::new("Model", ["Quantity", "Value"])
        .row(["Name", &card.recipe.name])
        .row(["Weights", &grouped(card.parameters)])
        .row(["Steps of its training", &grouped(card.steps)])
        .row(["SHA-256 of the weights", &card.sha256]);
    Section::new("Numbers").table(facts).table(model)
}

fn keep_in_mind(run: &Run<'_>) -> Section {
    let remarks = run.remarks.iter().map(|remark| format!("The image: {remark}."));
    let sampler = match run.options.sampler {
        Sampler::OneStep => {
            "One step gives the mean of all images that the noisy one may stand for: faint structure is softened."
        }
        Sampler::Ddim { .. } | Sampler::Ddpm { .. } => {
            "A chain gives one of the images that the noisy one may stand for: it can show structure that is not there. \
             Compare with the sampler one-step."
        }
    };
    let pictures =
        format!("The pictures on this page have 8 bits and at most {MAX_STORED_PX} pixels a side; the files have all.");
    let always = ["Not for diagnosis: a demonstration of computations.", sampler, &pictures].map(str::to_owned);
    Section::new("What to keep in mind").notes(remarks.chain(always))
}
