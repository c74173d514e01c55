//! The report of one scan: every candidate in three planes, and what is there.

use kerma::{
    data::{Unit, Volume},
    metrics::froc::Mark,
    tasks::detect::Candidates,
};
use kerma_nn::{Card, segment::Recipe};

use super::marks::{Judged, lps};
use crate::{
    pictures::{Plane, Slice, Window, outlines},
    report::{Chart, Figure, Panel, Report, Section, Summary, Table, significant},
    summary::counted,
};

/// Candidates that are pictured, the best: more would make the page slow to open.
const MOST_PICTURED: usize = 30;
/// What of the body is around a candidate in its pictures, to each side.
const ABOUT_MM: f64 = 40.0;
/// Most pixels of a side of such a picture.
const STORED_PX: f64 = 320.0;
/// The window of lungs, in HU.
const LEVEL_HU: f32 = -500.0;
const WIDTH_HU: f32 = 1500.0;
/// Share of a picture's pixels left black, and white, where values are no CT numbers.
const TAILS: f64 = 0.005;

/// What is reported.
pub(super) struct Run<'a> {
    pub(super) case: &'a str,
    pub(super) volume: &'a Volume,
    pub(super) found: &'a Candidates,
    pub(super) threshold: f64,
    pub(super) judged: Option<&'a Judged>,
    pub(super) card: &'a Card<Recipe>,
    pub(super) summary: Summary,
}

/// The whole page.
pub(super) fn report(run: &Run<'_>) -> Report {
    let name = &run.card.recipe.name;
    let (count, above) = (counted(run.found.marks.len(), "candidate"), significant(run.threshold, 3));
    let lead = format!("{count} with a probability above {above}, found by {name}. {}.", run.volume.grid());
    let model = Table::new("Model", ["Quantity", "Value"])
        .row(["Name", name])
        .row(["SHA-256 of card and weights", &run.card.sha256]);
    let mut report = Report::new(format!("{}, searched for nodules", run.case), lead).summary(run.summary.clone());
    if let Some(judged) = run.judged {
        report = report.section(truth(judged));
    }
    report
        .section(numbers(&run.found.marks))
        .section(pictures(run))
        .section(Section::new("Model").table(model))
        .section(Section::new("What to keep in mind").notes([
            "Not for diagnosis: a demonstration of computations.",
            "A network knows what it was trained on; vessels, scars and ribs can look like nodules to it.",
        ]))
}

fn truth(judged: &Judged) -> Section {
    let section = Section::new("Against the truth").text(format!("{judged}."));
    let Some(last) = judged.curve.last() else { return section };
    let mut points: Vec<[f64; 2]> = judged.curve.iter().map(|at| [at.false_per_scan, at.sensitivity]).collect();
    // Beyond its last point the curve is level.
    points.push([last.false_per_scan.max(1.0), last.sensitivity]);
    let chart = Chart::new("false marks", "share of the nodules found").line("this scan", points);
    let caption = "Nodules found as marks of less and less probability count; one scan tells little.";
    section.figure(Figure::new(caption).panel(Panel::chart("Free-response ROC", chart)))
}

fn numbers(marks: &[Mark]) -> Section {
    let columns = ["Candidate", "Probability", "Diameter in mm", "x, LPS mm", "y, LPS mm", "z, LPS mm"];
    let mut table = Table::new("Candidates, the most probable first", columns);
    for (number, mark) in (1..).zip(marks) {
        let [x, y, z] = lps(mark.position_mm).map(|mm| format!("{mm:.1}"));
        let (probability, diameter) = (significant(mark.score, 3), mark.diameter_mm.unwrap_or(f64::NAN));
        table = table.row([&format!("{number}"), &probability, &format!("{diameter:.1}"), &x, &y, &z]);
    }
    let section = Section::new("Candidates");
    if marks.is_empty() { section.text("There are none.") } else { section.table(table) }
}

fn pictures(run: &Run<'_>) -> Section {
    let marks = &run.found.marks;
    let shown = &marks[..marks.len().min(MOST_PICTURED)];
    let mut section = Section::new("Pictures");
    if shown.len() < marks.len() {
        section = section.text(format!("The {MOST_PICTURED} most probable ones."));
    }
    for (number, mark) in (1..).zip(shown) {
        let caption = format!("Candidate {number}, probability {}, outlined.", significant(mark.score, 3));
        let panels = Plane::ALL.map(|plane| picture(run, mark, plane, &format!("{} {number}", plane.name())));
        section = section.figure(Figure::new(caption).panels(panels));
    }
    section
}

fn picture(run: &Run<'_>, mark: &Mark, plane: Plane, title: &str) -> Panel {
    let cut = |volume| Slice::of_volume(volume, plane, mark.position_mm);
    let slice = cut(run.volume);
    let window = match run.volume.unit() {
        Unit::Hounsfield => Window::level(LEVEL_HU, WIDTH_HU),
        _ => Window::covering(&slice, TAILS),
    };
    let [slice, labels] = [slice, cut(&run.found.labels)].map(|slice| slice.about(mark.position_mm, ABOUT_MM));
    Panel::grey(title, slice, window).outlined(outlines(&labels)).stored_within(STORED_PX)
}
