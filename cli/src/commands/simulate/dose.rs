//! The dose of a case as a table, and in its report.

use kerma::tasks::simulate::{Absorbed, AreaKind, Dose};

use super::files::window;
use crate::{
    failure::Failure,
    pictures::{Plane, Slice},
    report::{Figure, Panel, Section, Table, significant},
};

/// What a row of the table is of: its kind and its name.
fn rows(dose: &Dose) -> impl Iterator<Item = (&'static str, &str, &Absorbed)> {
    let areas = dose.areas.iter().map(|(kind, name, absorbed)| {
        let kind = match kind {
            AreaKind::Label => "label",
            AreaKind::Box => "box",
        };
        (kind, name.as_str(), absorbed)
    });
    std::iter::once(("body", "whole body", &dose.body)).chain(areas)
}

/// The whole body, labels and boxes in CSV, with the units in the header.
pub(super) fn table(dose: &Dose) -> Result<String, Failure> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut put = |row: [&str; 7]| table.write_record(row).map_err(Failure::input);
    put(["kind", "name", "mass_g", "mean_dose_mgy", "error_mgy", "energy_mj", "ev_per_photon"])?;
    for (kind, name, absorbed) in rows(dose) {
        let Absorbed { mass_g, mean_mgy, error_mgy, energy_mj, ev_per_photon } = absorbed;
        let [mass, mean, error, energy, ev] =
            [mass_g, mean_mgy, error_mgy, energy_mj, ev_per_photon].map(|value| value.to_string());
        put([kind, name, &mass, &mean, &error, &energy, &ev])?;
    }
    let bytes = table.into_inner().map_err(Failure::input)?;
    String::from_utf8(bytes).map_err(Failure::input)
}

/// Middle planes of the dose, and the table.
pub(super) fn section(dose: &Dose) -> Section {
    let middle_mm = dose.blocks.grid().centre_mm();
    let window = window(&Slice::of_volume(&dose.blocks, Plane::Coronal, middle_mm));
    let side_mm = dose.blocks.grid().spacing_mm().to_array().map(|mm| significant(mm, 3)).join(" × ");
    let caption = format!("Middle planes of the dose in mGy, in blocks of {side_mm} mm, in radiological convention.");
    let figure = Figure::new(caption).panels(Panel::planes(&dose.blocks, middle_mm, window));
    let mut table = Table::new("Absorbed", ["Part", "Mass in g", "Mean dose in mGy", "Standard error in mGy"]);
    for (kind, name, absorbed) in rows(dose) {
        let name = if kind == "box" { format!("{name} (box)") } else { name.to_owned() };
        let [mass, mean, error] =
            [(absorbed.mass_g, 4), (absorbed.mean_mgy, 4), (absorbed.error_mgy, 2)].map(|(x, n)| significant(x, n));
        table = table.row([&name, &mass, &mean, &error]);
    }
    Section::new("Dose").figure(figure).table(table)
}
