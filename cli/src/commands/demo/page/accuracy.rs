use crate::{
    commands::demo::{
        Results,
        accuracy::{Deviation, ProjectionError},
        views::PROJECTION_TAIL,
    },
    pictures::{Slice, Window},
    report::{Accuracy, Figure, Panel, Section, Table, significant},
};

/// Mean error that a tissue may have: 1 % of water.
const BIAS_BAR_HU: f64 = 10.0;
/// Mean error that line integrals may have, relative to their mean.
const PROJECTION_BIAS_BAR: f64 = 1e-3;
/// Line integrals at which their error map reaches full colour.
const PROJECTION_ERROR: f32 = 0.2;

/// The numbers, and for a phantom its line integrals in closed form.
pub(super) fn section(results: &Results) -> Section {
    let mut measures: Vec<Accuracy> = results.projection_error.iter().flat_map(projection).collect();
    measures.extend(results.deviations.iter().flat_map(tissue));
    let section = Section::new("Accuracy").table(Table::accuracy("Results against what went in", measures));
    match closed_form(results) {
        Some(figure) => section.figure(figure),
        None => section,
    }
}

fn projection(error: &ProjectionError) -> [Accuracy; 2] {
    let percent = |share: f64| format!("{} %", significant(share * 100.0, 2));
    [
        Accuracy {
            measure: "Line integrals against the closed form: mean error".to_owned(),
            value: percent(error.relative_bias),
            bar: format!("±{} of their mean, {}", percent(PROJECTION_BIAS_BAR), significant(error.mean, 3)),
            met: Some(error.relative_bias.abs() <= PROJECTION_BIAS_BAR),
        },
        Accuracy {
            measure: "The same: root mean square error".to_owned(),
            value: percent(error.relative_rms),
            bar: format!("what voxels lose of edges; {} views", error.view_count),
            met: None,
        },
    ]
}

fn tissue(d: &Deviation) -> [Accuracy; 2] {
    let hounsfield = |value: f64| format!("{} HU", significant(value, 2));
    let millions = significant(d.voxel_count as f64 * 1e-6, 2);
    [
        Accuracy {
            measure: format!("Cone-beam CT, {}: mean error", d.region),
            value: hounsfield(d.bias_hu),
            bar: format!("±{BIAS_BAR_HU} HU, 1 % of water, around {} HU", significant(d.reference_hu, 3)),
            met: Some(d.bias_hu.abs() <= BIAS_BAR_HU),
        },
        Accuracy {
            measure: format!("Cone-beam CT, {}: root mean square error", d.region),
            value: hounsfield(d.rmse_hu),
            bar: format!("artefacts away from edges; {millions} million voxels"),
            met: None,
        },
    ]
}

fn closed_form(results: &Results) -> Option<Figure> {
    let error = results.projection_error.as_ref()?;
    let acquisition = &results.cone_beam.acquisition;
    let exact = Slice::of_view(&error.exact, &error.geometry, 0)?;
    let traced = Slice::of_view(&acquisition.integrals, &acquisition.geometry, 0)?;
    let errors = traced.minus(&exact)?;
    let window = Window::covering(&exact, PROJECTION_TAIL);
    Some(
        Figure::new("The first cone-beam view in closed form, and what ray tracing through voxels makes of it.")
            .panel(Panel::grey("Closed form", exact, window))
            .panel(Panel::grey("Siddon", traced, window))
            .panel(Panel::errors("Siddon − closed form", errors, PROJECTION_ERROR)),
    )
}
