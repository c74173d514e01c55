use kerma::data::Volume;

use crate::{
    commands::{
        demo::{
            Results,
            physics::{CONE_BEAM, Physics, RADIOGRAPH, TOMOSYNTHESIS},
            tomosynthesis::DEPTHS_MM,
            views::{FOCUS_MM, contrast, coronal, soft, wide},
        },
        simulate::{signals, spectrum},
    },
    failure::Failure,
    pictures::{Plane, Slice, Window},
    report::{Figure, Panel, Section, Table, significant},
};

use super::tomosynthesis::title;

/// The scans with their physics, beside the ideal ones.
pub(super) fn section(results: &Results, physics: &Physics) -> Result<Section, Failure> {
    let text = format!(
        "The scans above, of the same scene and with the same sampling, as kerma simulate takes them by its protocols \
         {RADIOGRAPH}, {CONE_BEAM} and {TOMOSYNTHESIS}: a tungsten tube with filter and heel effect, air, scattered radiation, an \
         anti-scatter grid but for the CT, and a panel of caesium iodide with quanta, blur, electronics, gains, bad pixels, \
         digits and its correction by dark and flat fields. Reconstructions are corrected for beam hardening by water; scatter is not corrected."
    );
    let before = (results.shot.picture.clone(), results.shot.window);
    let after = (physics.picture.clone(), physics.window);
    let radiograph = Figure::new(
        "Left of the line the ideal radiograph, right of it the real one, each in its own window: with many energies and \
         scatter, bones and mediastinum stand out less.",
    )
    .panel(Panel::compared("Ideal and real radiograph", before, after));
    let planes = |volume: &Volume| Panel::planes(volume, FOCUS_MM, wide());
    let axial = |title: &str, volume: &Volume, window: Window| {
        Panel::grey(title, Slice::of_volume(volume, Plane::Axial, FOCUS_MM), window)
    };
    // What scatter takes from soft tissue would leave it black.
    let loss_hu = physics.deviations.first().map_or(0.0, |tissue| tissue.bias_hu) as f32;
    let own = Window::new(soft().black + loss_hu, soft().white + loss_hu);
    let slices = DEPTHS_MM.map(|depth| {
        let slice = coronal(&physics.contrasts, depth);
        let window = contrast(&slice);
        Panel::grey(title(depth), slice, window)
    });
    let section = Section::new("Physics").text(text).figure(radiograph);
    let section = signals(&physics.radiograph.case, &physics.radiograph.images.exposed)
        .into_iter()
        .chain(spectrum(&physics.radiograph.case)?)
        .fold(section, Section::figure);
    Ok(section
        .figure(Figure::new("The cone-beam CT: the planes of the ideal one.").panels(planes(&physics.ct)))
        .figure(
            Figure::new(
                "The axial slice in a window for soft tissue, moved to where it lies: scatter, which no grid stops here, takes \
                 hundreds of HU, the more the thicker the body.",
            )
            .panel(axial("With physics", &physics.ct, own))
            .panel(axial("Ideal", &results.cone_beam.result, soft())),
        )
        .figure(Figure::new("Coronal slices of the tomosynthesis, as above.").panels(slices))
        .table(numbers(physics))
        .table(tissues(results, physics)))
}

/// What was measured in the three scans.
fn numbers(physics: &Physics) -> Table {
    let scans = physics.scans().map(|(_, real)| &real.images.results);
    let mut table = Table::new(
        "Measured in the first view",
        ["Quantity", "Radiograph", "Cone-beam CT", "Tomosynthesis", "What it is"],
    );
    // The radiograph has a grid, and so everything that there is.
    for measured in scans[0] {
        let cells = scans.map(|results| {
            let found = results.iter().find(|other| other.name == measured.name);
            found.map_or_else(String::new, |found| format!("{} {}", significant(found.value, 3), found.unit))
        });
        let [radiograph, turn, sweep] = cells.each_ref().map(|cell| cell.trim_end());
        table = table.row([&measured.name.replace('_', " "), radiograph, turn, sweep, measured.meaning]);
    }
    table
}

/// CT numbers of both cone-beam scans against what went in.
fn tissues(results: &Results, physics: &Physics) -> Table {
    let mut table = Table::new(
        "Cone-beam CT against what went in, in HU",
        ["Tissue", "Mean error, ideal", "with physics", "Root mean square error, ideal", "with physics"],
    );
    for (ideal, real) in results.deviations.iter().zip(&physics.deviations) {
        let [a, b, c, d] = [ideal.bias_hu, real.bias_hu, ideal.rmse_hu, real.rmse_hu].map(|hu| significant(hu, 2));
        table = table.row([ideal.region, &a, &b, &c, &d]);
    }
    table
}
