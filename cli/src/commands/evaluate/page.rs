//! The report of one evaluation: the first image through all methods, what they err in, and the tables.

use kerma::data::Image;
use kerma_nn::denoise::evaluation::{Entry, Gallery, Grid, Outcome};

use crate::{
    pictures::{Slice, Window},
    report::{Figure, Panel, Report, Section, Summary, Table},
};

/// Errors at the ends of the colours, as a share of the range of values.
const LARGEST_ERROR: f32 = 0.15;

/// The whole page.
pub(super) fn report(outcome: &Outcome, grids: &[Grid], summary: Summary) -> Report {
    let mut report = Report::new("Denoisers compared", format!("{}.", outcome.lead())).summary(summary);
    for gallery in &outcome.gallery {
        report = report.section(pictures(outcome, gallery));
    }
    let tables = Section::new("Tables").text(
        "★ stands before the best mean of a column. Where intervals overlap it may be best by chance: the tables of \
         differences on the same images tell.",
    );
    let tables = grids.iter().fold(tables, |section, grid| {
        let rows = grid.rows.iter().map(|row| row.iter().map(cell).collect());
        section.table(Table::of(grid.title.as_str(), grid.columns.clone(), rows.collect()).note(grid.note.as_str()))
    });
    report.section(tables).section(Section::new("Keep in mind").notes([
        "The images are simulated: phantoms, and line integrals through a CT. Their noise is white; that of a detector with \
         a scintillator is not.",
        "Several images may show one body. The intervals take images for independent, and are too narrow where they are not.",
        "Methods that need the noise estimate it from the noisy image unless their names say otherwise.",
    ]))
}

/// A table's entry with a true minus sign, the best with a star in front, so that numbers stay aligned.
fn cell(entry: &Entry) -> String {
    let text = match entry.text.strip_prefix('-') {
        Some(number) => format!("−{number}"),
        None => entry.text.clone(),
    };
    if entry.is_best { format!("★ {text}") } else { text }
}

fn pictures(outcome: &Outcome, gallery: &Gallery) -> Section {
    let window = Window::new(0.0, 1.0);
    let grey = |name: &str, image: &Image| Panel::grey(name, Slice::of_image(image), window);
    let clean = Slice::of_image(&gallery.clean);
    let error = |name: &str, image: &Image| {
        let error = Slice::of_image(image).minus(&clean)?;
        Some(Panel::errors(name, error, LARGEST_ERROR))
    };
    let name = outcome.images.first().map_or("", String::as_str);
    let denoised = || gallery.denoised.iter().map(|(name, image)| (name.as_str(), image));
    let noisy = || std::iter::once(("noisy", &gallery.noisy)).chain(denoised());
    let label = gallery.condition.label();
    Section::new(format!("One image, {label}"))
        .figure(
            Figure::new(format!("The first image ({name}): without noise, with it, and what each method made of it."))
                .panel(grey("clean", &gallery.clean))
                .panels(noisy().map(|(name, image)| grey(name, image))),
        )
        .figure(
            Figure::new("The same less the clean image. A method's errors should show no anatomy and no spots.")
                .panels(noisy().filter_map(|(name, image)| error(name, image))),
        )
}
