//! The page of an iterative reconstruction: how it went, and the volume.

use kerma::{data::Volume, geometry::Geometry, tasks::iterative::Iterate};

use crate::{
    pictures::{Plane, Slice, Window},
    report::{Chart, Figure, Panel, Report, Section, Summary, Table, significant},
    summary::counted,
};

/// Share of the values at either end of the grey scale.
const TAIL: f64 = 0.002;

/// The whole page.
pub(super) fn report(
    volume_of: &Volume,
    geometry: &Geometry,
    (history, residual): (&[Iterate], Option<f64>),
    summary: Summary,
) -> Report {
    let (iterations, views) = (counted(history.len(), "iteration"), counted(geometry.views().len(), "view"));
    let lead = format!("{iterations} over {views}, on {}", volume_of.grid());
    let centre = volume_of.grid().centre_mm();
    let window = Window::covering(&Slice::of_volume(volume_of, Plane::Axial, centre), TAIL);
    let scanner = Panel::scanner("Scanner", geometry, Some(volume_of.grid()));
    let volume = Figure::new("Slices through the middle of the volume, at one window.");
    let volume = volume.panels(Panel::planes(volume_of, centre, window));
    let scan = Figure::new("Source and detector around the volume.").panel(scanner);
    Report::new("Iterative reconstruction", &lead)
        .summary(summary)
        .section(Section::new("Volume").figure(volume))
        .section(course(history, residual))
        .section(Section::new("Scan").figure(scan))
        .section(Section::new("Numbers").table(numbers(history)))
}

fn course(history: &[Iterate], residual: Option<f64>) -> Section {
    let points = history.iter().map(|of| [(of.number - 1) as f64, of.residual]);
    let points = points.chain(residual.map(|residual| [history.len() as f64, residual]));
    let chart = Chart::new("iteration", "‖p − A·x‖ / ‖p‖").logarithmic();
    let mut panels = vec![Panel::chart("Residual", chart.line("residual", points.collect()))];
    let errors: Vec<[f64; 2]> = history.iter().filter_map(|of| Some([of.number as f64, of.error_per_mm?])).collect();
    if !errors.is_empty() {
        let chart = Chart::new("iteration", "RMS error, 1/mm").logarithmic();
        panels.push(Panel::chart("Error", chart.line("error", errors)));
    }
    let caption = "What is left of the measured line integrals after each iteration, with subsets of the volumes that these met; and the root \
                   mean square difference from the reference, if there is one.";
    Section::new("Course").figure(Figure::new(caption).panels(panels))
}

fn numbers(history: &[Iterate]) -> Table {
    let mut table = Table::new("Iterations", ["Iteration", "Residual before it", "Error after it, 1/mm"]);
    for of in history {
        let error = of.error_per_mm.map_or_else(|| "–".to_owned(), |error| significant(error, 4));
        table = table.row([&of.number.to_string(), &significant(of.residual, 4), &error]);
    }
    table
}
