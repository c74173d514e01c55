use glam::DVec3;
use kerma::{data::Volume, tasks::Redundancy};

use super::{
    Results,
    accuracy::difference,
    acquisition::Acquisition,
    cone_beam::{self, ConeBeam, FILTER},
    folder::slice_name,
    grids::{attenuation, hounsfield},
    radiograph::{self, FIELD_MM, SDD_MM},
    tomosynthesis::{self, DEPTHS_MM, SWEEP_DEG},
    views::{ERROR_HU, FOCUS_MM, contrast, coronal, soft, wide},
};
use crate::{
    failure::Failure,
    pictures::{Plane, Slice, Window, profile},
    report::{Accuracy, Chart, Figure, Panel, Report, Section, Summary, Table, bytes, seconds, significant},
    summary,
};

/// Share of a projection's pixels left black and white.
const PROJECTION_TAIL: f64 = 0.005;
/// Samples of a profile.
const PROFILE_SAMPLES: usize = 400;
/// Mean error that a tissue may have: 1 % of water.
const BIAS_BAR_HU: f64 = 10.0;
/// Mean error that line integrals may have.
const PROJECTION_BIAS_BAR: f64 = 1e-3;

/// The whole page.
pub(super) fn report(results: &Results, account: &summary::Summary, self_test: String) -> Result<Report, Failure> {
    let lead = format!(
        "Everything below was computed from {}: a chest radiograph, a cone-beam CT and a chest tomosynthesis, by exact \
         ray tracing and filtered back-projection.",
        results.scene.name
    );
    Ok(Report::new("X-raying a chest with kerma", lead)
        .summary(machine(account, self_test))
        .section(scene(results)?)
        .section(radiograph(results))
        .section(cone_beam(results)?)
        .section(tomosynthesis(results))
        .section(accuracy(results))
        .section(Section::new("Time").table(Table::timing("Seconds of each stage", results.stages.iter().copied())))
        .section(remarks(results))
        .section(files()))
}

/// Rays of a scan, what their values take, and the seconds they took.
fn effort(results: &Results, acquisition: &Acquisition, stage: &str) -> String {
    let rays = acquisition.geometry.value_count();
    format!(
        "{} million rays, {} of line integrals, in {}",
        significant(rays as f64 * 1e-6, 3),
        bytes((rays * size_of::<f32>()) as u64),
        seconds(stage_seconds(results, stage))
    )
}

fn stage_seconds(results: &Results, stage: &str) -> f64 {
    results.stages.iter().filter(|(name, _)| *name == stage).map(|(_, seconds)| seconds).sum()
}

fn machine(account: &summary::Summary, self_test: String) -> Summary {
    let summary::Seconds { read, plan, run, write } = account.seconds;
    let some = |bytes: u64| (bytes > 0).then_some(bytes);
    Summary {
        device: account.device.clone(),
        adapter: account.adapter.clone(),
        driver: account.driver.clone(),
        numerics: account.numerics.clone(),
        self_test,
        read_seconds: (read > 0.0).then_some(read),
        plan_seconds: Some(plan),
        run_seconds: Some(run),
        write_seconds: Some(write),
        peak_host_bytes: some(account.peak_bytes.host),
        peak_device_bytes: some(account.peak_bytes.device),
    }
}

fn scene(results: &Results) -> Result<Section, Failure> {
    let scene = &results.scene;
    let planes = Panel::planes(&hounsfield(&scene.volume)?, FOCUS_MM, wide());
    Ok(Section::new("What is X-rayed").text(scene.remarks.join(" ")).figure(
        Figure::new("Axial, coronal and sagittal slices through the heart, in radiological convention.").panels(planes),
    ))
}

fn radiograph(results: &Results) -> Section {
    let shot = &results.shot;
    let [columns, rows] = shot.acquisition.geometry.detector();
    let pitch = significant(shot.acquisition.geometry.pitch_mm()[0], 3);
    let [least, most] = range(shot.signal.values()).map(|share| significant(share * 100.0, 2));
    Section::new("Chest radiograph")
        .text(format!(
            "Posterior–anterior at {SDD_MM} mm on {columns} × {rows} pixels of {pitch} mm: one ray per pixel, traced \
             voxel by voxel after Siddon ({}). The detector receives between {least} % and {most} % of the open beam.",
            effort(results, &shot.acquisition, radiograph::SCAN_STAGE)
        ))
        .figure(
            Figure::new(
                "The radiograph as it is read, bones white: patient's right on the left, heart towards the right of the \
                 picture. Shown are line integrals, the negative logarithm of the detector's signal.",
            )
            .panel(
                Panel::grey("Radiograph, PA", shot.picture.clone(), shot.window).alt("Posterior–anterior chest radiograph"),
            )
            .panel(Panel::scanner("How it was taken", &shot.acquisition.geometry, Some(results.scene.volume.grid()))),
        )
}

fn cone_beam(results: &Results) -> Result<Section, Failure> {
    let scan = &results.cone_beam;
    let acquisition = &scan.acquisition;
    let [columns, rows] = acquisition.geometry.detector();
    let views = acquisition.geometry.views().len();
    let pitch = significant(acquisition.geometry.pitch_mm()[0], 3);
    let text = format!(
        "{views} views on a full circle, {columns} × {rows} pixels of {pitch} mm ({}), reconstructed after Feldkamp, Davis \
         and Kress with a {:?} window on {} in {}: the {} mm of the body that every view sees.",
        effort(results, acquisition, cone_beam::SCAN_STAGE),
        FILTER.window,
        scan.result.grid(),
        seconds(stage_seconds(results, cone_beam::FDK_STAGE)),
        significant(2.0 * scan.half_height_mm, 3),
    );
    let mut section = Section::new("Cone-beam CT").text(text).figure(projections(results));
    let errors = difference(&scan.result, &scan.reference)?;
    let error_panels =
        Plane::ALL.map(|plane| Panel::errors(plane.name(), Slice::of_volume(&errors, plane, FOCUS_MM), ERROR_HU));
    section = section
        .figure(Figure::new("Reconstruction: the same planes as above.").panels(planes(&scan.result, scan)))
        .figure(Figure::new("What went in, on the same voxels.").panels(planes(&scan.reference, scan)))
        .figure(
            Figure::new(
                "Reconstruction minus what went in. Lines along edges are the detector's limited resolution; broad shades \
                 and streaks are cone-beam and sampling artefacts.",
            )
            .panels(error_panels),
        )
        .figure(
            Figure::new("The axial slice in a window for soft tissue, where artefacts cannot hide.")
                .panel(Panel::grey("Reconstruction", axial(&scan.result), soft()))
                .panel(Panel::grey("What went in", axial(&scan.reference), soft())),
        );
    let chart = Chart::new("mm from the isocentre towards the patient's left", "HU")
        .line("what went in", across(scan, &scan.reference))
        .line("reconstruction", across(scan, &scan.result));
    Ok(section.figure(
        Figure::new("Profile from the patient's right to the left along the dashed line of the slices.")
            .panel(Panel::chart("Profile", chart)),
    ))
}

/// How the scan was taken, two of its views and what the middle row saw.
fn projections(results: &Results) -> Figure {
    let acquisition = &results.cone_beam.acquisition;
    let quarter = acquisition.geometry.views().len() / 4;
    let view = |title: &str, index: usize| {
        let slice = Slice::of_view(&acquisition.integrals, &acquisition.geometry, index)?;
        let window = Window::covering(&slice, PROJECTION_TAIL);
        Some(Panel::grey(title, slice, window))
    };
    let sinogram = Slice::sinogram(&acquisition.integrals, acquisition.geometry.detector()[1] / 2).map(|slice| {
        let window = Window::covering(&slice, PROJECTION_TAIL);
        Panel::grey("Sinogram of the middle row", slice, window)
    });
    let scanner = Panel::scanner("How it was taken", &acquisition.geometry, Some(results.scene.volume.grid()));
    let panels = [view("From behind, 0°", 0), view("From the right side, 90°", quarter), sinogram];
    Figure::new(
        "The scan from above, two of its views, and the sinogram: one detector row, first view on top. Line integrals.",
    )
    .panel(scanner)
    .panels(panels.into_iter().flatten())
}

fn axial(volume: &Volume) -> Slice {
    Slice::of_volume(volume, Plane::Axial, FOCUS_MM)
}

/// Ends of the profile: from the patient's right to the left through the focus.
fn ends(scan: &ConeBeam) -> [DVec3; 2] {
    let half = super::grids::half_extent_mm(scan.result.grid()).x;
    [half, -half].map(|x| DVec3::new(x, FOCUS_MM.y, FOCUS_MM.z))
}

/// Profile over the distance from the isocentre towards the patient's left.
fn across(scan: &ConeBeam, volume: &Volume) -> Vec<[f64; 2]> {
    let [from, to] = ends(scan);
    profile(volume, from, to, PROFILE_SAMPLES).into_iter().map(|[distance, value]| [distance - from.x, value]).collect()
}

/// The three planes with the profile's line.
fn planes(volume: &Volume, scan: &ConeBeam) -> Vec<Panel> {
    let [from, to] = ends(scan);
    let panel = |(panel, plane): (Panel, Plane)| if plane == Plane::Sagittal { panel } else { panel.line_mm(from, to) };
    Panel::planes(volume, FOCUS_MM, wide()).into_iter().zip(Plane::ALL).map(panel).collect()
}

fn tomosynthesis(results: &Results) -> Section {
    let scan = &results.tomosynthesis;
    let acquisition = &scan.acquisition;
    let views = acquisition.geometry.views().len();
    let [x, y, z] = scan.result.grid().spacing_mm().to_array().map(|mm| significant(mm, 3));
    let text = format!(
        "{views} views while the source travels from feet to head over {SWEEP_DEG}°, before a detector of {FIELD_MM} mm that \
         stands still ({}); filtered along the travel and back-projected in {} into voxels of {x} × {y} × {z} mm, {y} mm \
         being the depth. {}.",
        effort(results, acquisition, tomosynthesis::SCAN_STAGE),
        seconds(stage_seconds(results, tomosynthesis::FDK_STAGE)),
        sentence(Redundancy::LimitedArc.remark().unwrap_or_default())
    );
    let middle = Slice::of_view(&acquisition.integrals, &acquisition.geometry, views / 2);
    let last = Slice::of_view(&acquisition.integrals, &acquisition.geometry, views - 1);
    let view = |title: &str, slice: Option<Slice>| slice.map(|slice| Panel::grey(title, slice, results.shot.window));
    let views = [view("Straight on", middle), view("From the head end", last)];
    let title = |depth: f64| match depth {
        d if d < 0.0 => format!("{} mm behind the isocentre", significant(-d, 3)),
        d => format!("{} mm before the isocentre", significant(d, 3)),
    };
    let slices = DEPTHS_MM.map(|depth| {
        let slice = coronal(&scan.result, depth);
        let window = contrast(&slice);
        Panel::grey(title(depth), slice, window)
    });
    let truth = DEPTHS_MM.map(|depth| {
        let window = Window::new(attenuation(wide().black), attenuation(wide().white));
        Panel::grey("What went in", coronal(&results.scene.volume, depth), window)
    });
    Section::new("Chest tomosynthesis")
        .text(text)
        .figure(
            Figure::new("The sweep from the side, and two of its views.")
                .panel(Panel::scanner("How it was taken", &acquisition.geometry, Some(results.scene.volume.grid())))
                .panels(views.into_iter().flatten()),
        )
        .figure(
            Figure::new(
                "Coronal slices from back to front, and the scene at the same depths. What lies in a slice is sharp along \
                 the travel; what lies before or behind it is smeared out, most where its edges run across the travel.",
            )
            .panels(slices)
            .panels(truth),
        )
}

fn accuracy(results: &Results) -> Section {
    let hounsfield = |value: f64| format!("{} HU", significant(value, 2));
    let mut measures = Vec::new();
    if let Some(error) = &results.projection_error {
        let percent = |share: f64| format!("{} %", significant(share * 100.0, 2));
        measures.push(Accuracy {
            measure: "Line integrals against the closed form, mean difference".to_owned(),
            value: percent(error.relative_bias),
            bar: format!("within ±{} of the mean of {}", percent(PROJECTION_BIAS_BAR), significant(error.mean, 3)),
            met: Some(error.relative_bias.abs() <= PROJECTION_BIAS_BAR),
        });
        measures.push(Accuracy {
            measure: "The same, root mean square".to_owned(),
            value: percent(error.relative_rms),
            bar: format!("what voxels lose of the shapes' edges, over {} views", error.view_count),
            met: None,
        });
    }
    for d in &results.deviations {
        measures.push(Accuracy {
            measure: format!("Cone-beam CT, {}: mean error", d.region),
            value: hounsfield(d.bias_hu),
            bar: format!("within ±{BIAS_BAR_HU} HU, 1 % of water; the reference is {}", hounsfield(d.reference_hu)),
            met: Some(d.bias_hu.abs() <= BIAS_BAR_HU),
        });
        measures.push(Accuracy {
            measure: format!("Cone-beam CT, {}: root mean square error", d.region),
            value: hounsfield(d.rmse_hu),
            bar: format!("artefacts away from edges, over {} voxels", d.voxel_count),
            met: None,
        });
    }
    let mut section = Section::new("Accuracy").table(Table::accuracy("Results against what went in", measures));
    let exact = results.projection_error.as_ref().and_then(|error| Slice::of_view(&error.exact, &error.geometry, 0));
    let acquisition = &results.cone_beam.acquisition;
    let traced = Slice::of_view(&acquisition.integrals, &acquisition.geometry, 0);
    if let (Some(exact), Some(traced)) = (exact, traced)
        && let Some(errors) = traced.minus(&exact)
    {
        let limit = Window::covering(&errors, PROJECTION_TAIL);
        let limit = limit.black.abs().max(limit.white.abs());
        let window = Window::covering(&exact, PROJECTION_TAIL);
        section = section.figure(
            Figure::new("The first cone-beam view in closed form, and what ray tracing through voxels makes of it.")
                .panel(Panel::grey("Closed form", exact, window))
                .panel(Panel::grey("Siddon", traced, window))
                .panel(Panel::errors("Siddon − closed form", errors, limit)),
        );
    }
    section
}

fn remarks(results: &Results) -> Section {
    let scan = &results.cone_beam;
    let sides = if scan.truncated {
        "The body reaches beyond the sides of the cone-beam detector: its rim is truncated, and values near it are wrong."
    } else {
        "The cone-beam detector sees air on either side of the body: nothing is truncated sideways."
    };
    let height = format!(
        "It does not see the body's full height. Only the {} mm around the central plane that lie in every view are \
         reconstructed and compared.",
        significant(2.0 * scan.half_height_mm, 3)
    );
    let mut notes = vec![
        "Not for diagnosis: a demonstration of computations.".to_owned(),
        "The beam has one energy, 60 keV. There is no scatter, no noise, no focal spot and no blur of the detector; real \
         radiographs have all of them and lower contrast."
            .to_owned(),
        "A circle of sources does not measure everything: above and below the central plane, flat faces such as end \
         plates and the domes of the diaphragm are shaded or doubled, the more so the farther away (cone-beam artefacts)."
            .to_owned(),
        sides.to_owned(),
        height,
        format!(
            "Tomosynthesis over {SWEEP_DEG}° measures few directions: depth is resolved coarsely, large uniform parts lose \
             their level, and values are contrasts, not attenuation coefficients. Dark or bright rims above and below dense \
             parts are its signature."
        ),
        "The radiograph's and the tomosynthesis panel's rim may cut shoulders or flanks, as in practice.".to_owned(),
    ];
    notes.push(match results.scene.phantom {
        Some(_) => {
            "Scans are traced through the same voxels that reconstructions are compared with; only the comparison \
                    with the closed form is independent of the voxels."
                .to_owned()
        }
        None => {
            "Scans are traced through the same voxels that reconstructions are compared with, noise and artefacts of \
                 the original CT included; the scene ends where its field of view does."
                .to_owned()
        }
    });
    Section::new("What to keep in mind").notes(notes)
}

fn files() -> Section {
    let slices = DEPTHS_MM.map(slice_name).join(", ");
    Section::new("Files").table(
        Table::new("Beside this page", ["File", "What it holds"])
            .row(["radiograph.png", "the radiograph, 16 bits, with the detector's spacing"])
            .row(["radiograph-integrals.tiff", "its line integrals, 32-bit floating point"])
            .row(["cone-beam.nii.gz", "the reconstruction in HU"])
            .row([
                "cone-beam-axial.png, -coronal, -sagittal",
                "its planes, 16 bits, −1000 to 500 HU; -error: minus what went in",
            ])
            .row(["tomosynthesis.nii.gz", "the slices' contrasts in mm⁻¹"])
            .row([slices.as_str(), "slices, 16 bits, each in its own window"])
            .row([
                "radiograph.toml, cone-beam.toml, tomosynthesis.toml",
                "the geometries, for kerma project and reconstruct",
            ]),
    )
}

fn range(values: &[f32]) -> [f64; 2] {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    [least, most].map(f64::from)
}

/// A remark of the library as a sentence's beginning.
fn sentence(remark: &str) -> String {
    let mut letters = remark.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
