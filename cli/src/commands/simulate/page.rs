//! The report of one case, for a physicist: what the beam was, what arrived, and what noise it has.

use glam::DVec3;
use kerma::{
    data::{Image, Projections, Unit, Volume},
    metrics::{NpsOptions, Region, nps},
    physics::Spectrum,
    tasks::simulate::{Case, Dose, Exposed, Measured, Part},
};

use super::{dose, files::window};
use crate::{
    context::Context,
    failure::Failure,
    pictures::{Plane, Slice, Window},
    report::{Chart, Figure, Panel, Report, Section, Table, significant},
};

/// Sides of the squares of a noise power spectrum, in pixels: the largest of which several lie in the image.
const SIDES: [usize; 4] = [128, 64, 32, 16];

/// The whole page.
pub(super) fn report(
    name: &str,
    case: &Case,
    exposed: &Exposed,
    reconstruction: Option<&Volume>,
    even: &[(f64, Image)],
    (results, dose): (&[Measured], Option<&Dose>),
    context: &Context,
) -> Result<String, Failure> {
    let self_test = context.device()?.self_test().summary();
    let views = case.room().views().len();
    let [columns, rows] = case.room().detector();
    let phantom = case.protocol().patient.phantom.as_ref();
    let subject = phantom.map_or_else(String::new, |phantom| format!(" {phantom}."));
    let lead = format!("{}{subject} {views} × {columns} × {rows} pixels.", case.protocol().description);
    let mut report = Report::new(format!("{name}, simulated"), lead)
        .summary(context.summary().for_page(self_test))
        .section(signals(case, exposed).into_iter().fold(Section::new("Images"), Section::figure));
    if let Some(figure) = spectrum(case)? {
        report = report.section(Section::new("Beam").figure(figure));
    }
    if let Some(noise) = noise(even)? {
        report = report.section(noise);
    }
    let mut table = Table::new("Measured", ["Quantity", "Value", "What it is"]);
    for Measured { name, value, unit, meaning } in results {
        let text = format!("{} {unit}", significant(*value, 4));
        table = table.row([&name.replace('_', " "), text.trim_end(), meaning]);
    }
    report = report.section(Section::new("Numbers").table(table));
    if let Some(dose) = dose {
        report = report.section(dose::section(dose));
    }
    if let Some(volume) = reconstruction {
        let middle = Slice::of_volume(volume, Plane::Coronal, DVec3::ZERO);
        let planes = Panel::planes(volume, DVec3::ZERO, window(&middle));
        let caption = "Middle planes, in radiological convention.";
        report = report.section(Section::new("Reconstruction").figure(Figure::new(caption).panels(planes)));
    }
    let notes = Section::new("What to keep in mind").notes([
        match phantom {
            Some(_) => "Not for diagnosis: a simulation from a schematic phantom, which ends at its faces.",
            None => "Not for diagnosis: a simulation from a CT, with its voxels, its noise and what it cut off.",
        },
        "What is simulated and what is left out: docs/methods/simulation.md.",
    ]);
    Ok(report.section(notes).to_html())
}

/// The middle view, what its signal is made of, and a profile.
pub(in crate::commands) fn signals(case: &Case, exposed: &Exposed) -> Vec<Figure> {
    let middle = case.room().views().len() / 2;
    let slice = |stack: &Projections| Slice::of_view(stack, case.room(), middle);
    let shown = |title: &str, stack: &Projections| {
        slice(stack).map(|slice| {
            let window = window(&slice);
            Panel::grey(title, slice, window)
        })
    };
    let [integrals, primary, scatter] = [Part::Integrals, Part::Primary, Part::Scatter].map(|part| exposed.stack(part));
    let mut figure =
        Figure::new("The middle view, head up, bone white; the signals of primary and scattered photons in keV.");
    figure = figure.panels(integrals.and_then(|stack| shown("Line integrals", stack)));
    figure = figure.panels(primary.and_then(|stack| shown("Primary", stack)));
    let Some((primary, scatter)) = primary.zip(scatter) else { return vec![figure] };
    let fraction: Vec<f32> = primary
        .values()
        .iter()
        .zip(scatter.values())
        .map(|(p, s)| if p + s > 0.0 { s / (p + s) } else { 0.0 })
        .collect();
    let share = Projections::new(primary.views(), primary.detector(), primary.pitch_mm(), Unit::Arbitrary, fraction);
    figure = figure.panels(shown("Scatter", scatter));
    if let Some(slice) = share.ok().and_then(|share| slice(&share)) {
        figure = figure.panel(Panel::grey("Scatter fraction, 0 to 1", slice, Window::new(0.0, 1.0)));
    }
    let row = primary.detector()[1] / 2;
    let along = |stack: &Projections| -> Vec<[f64; 2]> {
        let [columns, _] = stack.detector();
        let line = &stack.view_values(middle)[row * columns..][..columns];
        let pitch = stack.pitch_mm()[0];
        let place = |i: usize| (i as f64 - (columns as f64 - 1.0) / 2.0) * pitch;
        line.iter().enumerate().map(|(i, value)| [place(i), f64::from(*value)]).collect()
    };
    let chart =
        Chart::new("along u in mm", "keV per pixel").line("primary", along(primary)).line("scatter", along(scatter));
    vec![figure, Figure::new("The middle row of the detector.").panel(Panel::chart("Profile", chart))]
}

/// The spectrum on the central ray; none without a beam.
pub(in crate::commands) fn spectrum(case: &Case) -> Result<Option<Figure>, Failure> {
    let Some((before, behind)) = case.spectra()? else { return Ok(None) };
    let share = |spectrum: &Spectrum| -> Vec<[f64; 2]> {
        let total = spectrum.total_per_mm2();
        let bins = spectrum.energies_kev().iter().zip(spectrum.fluence_per_mm2());
        bins.map(|(energy, photons)| [*energy, photons / total]).collect()
    };
    let chart = Chart::new("energy in keV", "share of the photons in 1 keV")
        .line("before the patient", share(&before))
        .line("behind 200 mm of water", share(&behind));
    let figure = Figure::new("Spectrum on the central ray at the detector, each with a sum of 1.")
        .panel(Panel::chart("Spectrum", chart));
    Ok(Some(figure))
}

/// Normalised noise power spectra of even fields, each behind a layer of the transmission beside it.
fn noise(even: &[(f64, Image)]) -> Result<Option<Section>, Failure> {
    let mut chart = Chart::new("frequency in 1/mm", "NNPS in mm²").logarithmic();
    let mut figure = Figure::new(
        "Normalised noise power spectrum of the corrected line integrals of even fields: mean over rings, detector's noise alone.",
    );
    let mut is_any = false;
    for (transmission, image) in even {
        let shortest = image.size().into_iter().min().unwrap_or(0);
        let Some(side) = SIDES.into_iter().find(|side| 2 * side <= shortest) else { continue };
        let spectrum = nps(image, Region::whole(image), NpsOptions { side, detrend: 0 })?;
        chart = chart.line(format!("{} % of the open beam", significant(100.0 * transmission, 2)), spectrum.radial);
        is_any = true;
    }
    if !is_any {
        return Ok(None);
    }
    figure = figure.panel(Panel::chart("Noise power", chart));
    Ok(Some(Section::new("Noise").figure(figure)))
}
