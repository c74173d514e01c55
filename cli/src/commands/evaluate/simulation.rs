//! The simulation against published values and closed forms.

use std::{fmt::Write as _, path::Path, path::PathBuf};

use glam::DVec3;
use kerma::{
    data::{Grid, Projections, Unit, Volume},
    engine::Graph,
    io::write_bytes,
    kernels::transport::{
        Tally,
        photons::{Histories, record},
    },
    physics::Material,
    tasks::{
        Recorded, Task,
        simulate::{Case, Exposed, Part, ProtocolText},
    },
};
use kerma_kernels_tests::tg195;
use serde::{Deserialize, Serialize};

use super::EvaluateArgs;
use crate::{
    context::Context,
    failure::Failure,
    inputs,
    report::{seconds, significant},
};

/// Photons of one run.
const RUN: u64 = 1 << 24;

/// What is checked; a table that is not there is left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    #[expect(dead_code, reason = "it says which recipe this is")]
    kind: String,
    seed: u64,
    photons: Option<PhotonsRecipe>,
    noise: Option<NoiseRecipe>,
    water: Option<WaterRecipe>,
    chest: Option<ChestRecipe>,
}

/// Energy absorbed in the body and nine cubes of AAPM Report 195, case 2, in each of its beams.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhotonsRecipe {
    histories: u64,
    /// Largest relative differences.
    body: f64,
    cube: f64,
}

/// Variance of a slab's signal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseRecipe {
    /// Largest relative difference of the variance.
    variance: f64,
    /// Largest correlation of two views.
    correlation: f64,
}

/// CT numbers of a cylinder of water.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WaterRecipe {
    diameter_mm: f64,
    /// Largest difference from 0, in HU.
    hu: f64,
}

/// Scatter fraction of a chest without a grid.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChestRecipe {
    ct: PathBuf,
    photons: u64,
    region: Vec<Region>,
}

/// A part of the image by its ends along u and v from the detector's middle, and the range of its scatter fraction.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Region {
    name: String,
    u_mm: [f64; 2],
    v_mm: [f64; 2],
    range: [f64; 2],
}

/// A line of the table.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: String,
    found: f64,
    allowed: [f64; 2],
    unit: &'static str,
    holds: bool,
}

impl Check {
    fn new(name: impl Into<String>, found: f64, allowed: [f64; 2], unit: &'static str) -> Self {
        let holds = (allowed[0]..=allowed[1]).contains(&found);
        Self { name: name.into(), found, allowed, unit, holds }
    }

    fn about(name: impl Into<String>, found: f64, want: f64, share: f64, unit: &'static str) -> Self {
        Self::new(name, found, [want * (1.0 - share), want * (1.0 + share)], unit)
    }

    fn markdown(&self) -> String {
        let [low, high] = self.allowed.map(|bound| significant(bound, 6));
        let verdict = if self.holds { "yes" } else { "NO" };
        format!("| {} | {} | {low} to {high} | {} | {verdict} |\n", self.name, significant(self.found, 6), self.unit)
    }
}

/// The recipe of a text, if it is one of the simulation.
pub(super) fn recipe(text: &str, path: &Path) -> Result<Option<Recipe>, Failure> {
    #[derive(Deserialize)]
    struct Kind {
        kind: Option<String>,
    }
    let is_simulation = toml::from_str(text).is_ok_and(|kind: Kind| kind.kind.as_deref() == Some("simulation"));
    match is_simulation {
        true => toml::from_str(text).map(Some).map_err(|error| Failure::input(error).in_file(path)),
        false => Ok(None),
    }
}

/// Runs the checks.
pub(super) fn run(args: &EvaluateArgs, recipe: &Recipe, context: &mut Context) -> Result<(), Failure> {
    let mut checks = Vec::new();
    if let Some(photons) = recipe.photons {
        checks.extend(absorbed(photons, recipe.seed, context)?);
    }
    if let Some(noise) = &recipe.noise {
        checks.extend(variance(noise, recipe.seed, context)?);
    }
    if let Some(water) = recipe.water {
        checks.extend(cylinder(water, recipe.seed, context)?);
    }
    if let Some(chest) = &recipe.chest {
        match chest.ct.exists() {
            true => checks.extend(scatter(chest, recipe.seed, context)?),
            false => context.note(&format!("{}: ABSENT, its checks are left out", chest.ct.display())),
        }
    }
    let mut table = "| check | found | allowed | unit | holds |\n|---|---|---|---|---|\n".to_owned();
    checks.iter().for_each(|check| table.push_str(&check.markdown()));
    for (stage, taken_s) in context.stages() {
        let _ = write!(table, "\n{stage}: {}", seconds(*taken_s));
    }
    table.push('\n');
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).map_err(|e| Failure::input(e).in_file(out))?;
        let object = serde_json::to_vec_pretty(&checks).map_err(Failure::input)?;
        context.write(&out.join("table.md"), |path| write_bytes(path, table.as_bytes()))?;
        context.write(&out.join("table.json"), |path| write_bytes(path, &object))?;
    }
    context.measure("checks", &checks);
    context.answer(table)?;
    let failed: Vec<&str> = checks.iter().filter(|check| !check.holds).map(|check| check.name.as_str()).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => {
            let (count, all) = (failed.len(), checks.len());
            Err(Failure::Check(format!("evaluation: {count} of {all} checks do not hold: {}", failed.join("; "))))
        }
    }
}

fn absorbed(recipe: PhotonsRecipe, seed: u64, context: &mut Context) -> Result<Vec<Check>, Failure> {
    let tables = tg195::case_2();
    let mut checks = Vec::new();
    for beam in tg195::BEAMS {
        let source = beam.source();
        let mut whole: Option<Tally> = None;
        for run in 0..recipe.histories.div_ceil(RUN) {
            let count = RUN.min(recipe.histories - run * RUN) as u32;
            let mut graph = Graph::new();
            let recorded = record(&mut graph, &tables, &source, None, Histories { seed, first: run * RUN, count });
            let output = recorded.result(&mut graph);
            let tally = recorded.tally(context.run("AAPM Report 195, case 2", &graph)?.take(output)?);
            whole = Some(match whole {
                None => tally,
                Some(before) => before.joined(&tally),
            });
        }
        let Some(whole) = whole else { continue };
        let (body, cubes) = tg195::body_and_cubes(&whole);
        let name = |what: &str| format!("case 2, {}, {what}", beam.name);
        checks.push(Check::about(name("body"), body.mean, beam.body_ev, recipe.body, "eV"));
        for (number, (cube, want)) in cubes.iter().zip(beam.cubes_ev).enumerate() {
            checks.push(Check::about(name(&format!("cube {}", number + 1)), cube.mean, want, recipe.cube, "eV"));
        }
        let lost = whole.emitted_ev().abs_diff(whole.absorbed_ev() + whole.escaped_ev());
        checks.push(Check::new(name("energy that is lost"), lost as f64, [0.0, 0.0], "eV"));
    }
    Ok(checks)
}

fn exposed(
    text: &ProtocolText,
    ct: Volume,
    seed: u64,
    parts: &[Part],
    context: &mut Context,
) -> Result<(Case, Exposed), Failure> {
    let protocol = text.draw(seed)?;
    let case = context.compute(|| Case::new(&protocol, ct, seed))?;
    let scatter = match case.scatter()? {
        Some(task) => {
            Some(context.drive("scatter", |device, control| Ok(pollster::block_on(task.run(device, control))?))?)
        }
        None => None,
    };
    let exposed = {
        let task = case.exposure(scatter.as_ref(), parts)?;
        let outputs = context.run("exposure", task.graph())?;
        task.finish(outputs)?
    };
    Ok((case, exposed))
}

/// A slab of water before a detector that absorbs and counts, or sums energies, without blur and read-out, in two views.
fn variance(recipe: &NoiseRecipe, seed: u64, context: &mut Context) -> Result<Vec<Check>, Failure> {
    let mut checks = Vec::new();
    for weighting in ["counts", "energy"] {
        let text = format!(
            "[geometry]\nkind = 'cone-circular'\nsource_isocentre_mm = 1000\nsource_detector_mm = 1300\nviews = 2\narc_deg = 1e-9\n\
             detector = [256, 256]\npitch_mm = [0.2, 0.2]\n[beam]\nkvp = 100\nfilter = ['al:3']\nmas = 0.2\n\
             [detector]\npitch_mm = 0.2\n[detector.converter]\nweighting = '{weighting}'\noptical_swank = 1.0\n\
             [detector.blur]\nenabled = false\n[detector.electronics]\nenabled = false\n[detector.pattern]\nenabled = false\n\
             [detector.readout]\nenabled = false\n[detector.correction]\nenabled = false\n"
        );
        let grid = Grid::centred([60, 20, 60], [5.0, 10.0, 5.0])?;
        let slab = Volume::new(grid, Unit::Hounsfield, vec![0.0; grid.voxel_count()])?;
        let (case, exposed) = exposed(
            &ProtocolText::from_toml(&text)?,
            slab,
            seed,
            &[Part::Raw, Part::Primary, Part::Thickness],
            context,
        )?;
        let (Some(raw), Some(primary)) = (exposed.stack(Part::Raw), exposed.stack(Part::Primary)) else { continue };
        let want = expected_variance(&case, &exposed)?;
        let [mean, _] = case.central_signal()?;
        let mut sums = [0.0; 3];
        let pixels = raw.view_values(0).len();
        for at in 0..pixels {
            let expected = f64::from(primary.view_values(0)[at]) / mean;
            let [a, b] = [0, 1].map(|view| f64::from(raw.view_values(view)[at]) - expected);
            sums[0] += a * a;
            sums[1] += b * b;
            sums[2] += a * b;
        }
        let measured = (sums[0] + sums[1]) / 2.0 / pixels as f64;
        checks.push(Check::about(format!("variance of a slab, {weighting}"), measured, want, recipe.variance, ""));
        let correlation = sums[2] / (sums[0] * sums[1]).sqrt();
        let bound = recipe.correlation;
        checks.push(Check::new(format!("correlation of two views, {weighting}"), correlation, [-bound, bound], ""));
    }
    Ok(checks)
}

/// Variance of a pixel's signal over the square of its mean in the open beam, by the sum over the photons of all bins behind the slab
/// on the central ray.
fn expected_variance(case: &Case, exposed: &Exposed) -> Result<f64, Failure> {
    let Some((spectrum, _)) = case.spectra()? else { return Ok(0.0) };
    let Some(settings) = &case.protocol().detector else { return Ok(0.0) };
    let layer = settings.layer()?;
    let mut paths = Vec::new();
    for (part, name, stack) in exposed.named() {
        if part == Part::Thickness {
            let [columns, rows] = stack.detector();
            let middle = stack.view_values(0)[rows / 2 * columns + columns / 2];
            paths.push((Material::by_name(name.trim_start_matches("thickness-"))?, f64::from(middle)));
        }
    }
    let [mut open, mut behind] = [0.0; 2];
    for (&energy_kev, photons) in spectrum.energies_kev().iter().zip(spectrum.fluence_per_mm2()) {
        let moments = layer.moments(energy_kev, 1.0, settings.converter.weighting)?;
        let mut depth = 0.0;
        for (material, mm) in &paths {
            depth += material.attenuation_per_mm(energy_kev)? * mm;
        }
        open += photons * moments.signal;
        behind += photons * moments.signal_squared * (-depth).exp();
    }
    Ok(behind / (open * open) / settings.pitch_mm.powi(2))
}

/// A cylinder of water on a circle of 720 views, without noise and scatter.
fn cylinder(recipe: WaterRecipe, seed: u64, context: &mut Context) -> Result<Vec<Check>, Failure> {
    let grid = Grid::centred([200, 200, 24], [1.25, 1.25, 2.5])?;
    let mut ct = Volume::zeros(grid, Unit::Hounsfield);
    let radius = recipe.diameter_mm / 2.0;
    for (at, value) in ct.values_mut().iter_mut().enumerate() {
        // Sixteen points of a voxel say how much of it is water.
        let inside = (0..16).filter(|point| {
            let offset = |k: usize| (k as f64 + 0.5) / 4.0 - 0.5;
            let voxel =
                DVec3::new((at % 200) as f64 + offset(point % 4), (at / 200 % 200) as f64 + offset(point / 4), 0.0);
            grid.world_mm(voxel).truncate().length() < radius
        });
        *value = (inside.count() as f32 / 16.0 - 1.0) * 1000.0;
    }
    let text = "[geometry]\nkind = 'cone-circular'\nsource_isocentre_mm = 600\nsource_detector_mm = 1000\nviews = 720\n\
                detector = [256, 16]\npitch_mm = [2.0, 2.0]\n[beam]\nkvp = 120\nfilter = ['al:6']\nmas = 1\n\
                [reconstruction]\ngrid = '128x128x1@2x2x2'\nwater_correction = {}\n";
    let mut checks = Vec::new();
    for (name, text, bounds) in [
        ("water cylinder", text.to_owned(), [-recipe.hu, recipe.hu]),
        ("its cupping without correction", text.replace("water_correction = {}\n", ""), [2.0 * recipe.hu, 500.0]),
    ] {
        let (case, exposed) = exposed(&ProtocolText::from_toml(&text)?, ct.clone(), seed, &[Part::Integrals], context)?;
        let Some(integrals) = exposed.stack(Part::Integrals) else { continue };
        let volume = reconstructed(&case, integrals, context)?;
        let ring = |low: f64, high: f64| {
            let near = |at: &usize| {
                let place = volume.grid().world_mm(DVec3::new((at % 128) as f64, (at / 128) as f64, 0.0));
                (low * radius..high * radius).contains(&place.truncate().length())
            };
            let values: Vec<f64> = (0..128 * 128).filter(near).map(|at| f64::from(volume.values()[at])).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let [middle, edge] = [ring(0.0, 0.3), ring(0.7, 0.9)];
        match name {
            "water cylinder" => {
                checks.push(Check::new(format!("{name}, middle"), middle, bounds, "HU"));
                checks.push(Check::new(format!("{name}, edge"), edge, bounds, "HU"));
            }
            _ => checks.push(Check::new(name, edge - middle, bounds, "HU")),
        }
    }
    Ok(checks)
}

fn reconstructed(case: &Case, integrals: &Projections, context: &mut Context) -> Result<Volume, Failure> {
    let Some(task) = case.straightened(integrals)? else { return Err(Failure::input("nothing to reconstruct")) };
    let straight = {
        let outputs = context.run("beam hardening", task.graph())?;
        task.finish(outputs)?
    };
    let task = case.reconstruction(straight)?;
    let outputs = context.run("reconstruction", task.graph())?;
    Ok(case.hounsfield(task.finish(outputs)?)?)
}

fn scatter(recipe: &ChestRecipe, seed: u64, context: &mut Context) -> Result<Vec<Check>, Failure> {
    let ct = inputs::ct(&recipe.ct, context)?;
    let mut text = ProtocolText::find("chest-radiograph")?;
    let field = "[[-175.0, -215.0], [175.0, -215.0], [175.0, 215.0], [-175.0, 215.0]]";
    for (field, value) in [
        ("grid.enabled", "false"),
        ("beam.collimator.corners_mm", field),
        ("scatter.model", "monte-carlo"),
        ("scatter.photons", &recipe.photons.to_string()),
    ] {
        text.set(field, value)?;
    }
    let (_, exposed) = exposed(&text, ct, seed, &[Part::Primary, Part::Scatter], context)?;
    let (Some(primary), Some(scatter)) = (exposed.stack(Part::Primary), exposed.stack(Part::Scatter)) else {
        return Ok(Vec::new());
    };
    let fraction = |region: &Region| {
        let ([columns, rows], [du, dv]) = (primary.detector(), primary.pitch_mm());
        let place = |pixel: usize, count: usize, pitch: f64| (pixel as f64 - (count as f64 - 1.0) / 2.0) * pitch;
        let within = |at: &usize| {
            let [u, v] = [place(at % columns, columns, du), place(at / columns, rows, dv)];
            (region.u_mm[0]..region.u_mm[1]).contains(&u) && (region.v_mm[0]..region.v_mm[1]).contains(&v)
        };
        let sum = |stack: &Projections| -> f64 {
            (0..columns * rows).filter(within).map(|at| f64::from(stack.values()[at])).sum()
        };
        sum(scatter) / (sum(scatter) + sum(primary))
    };
    let check =
        |region: &Region| Check::new(format!("scatter fraction, {}", region.name), fraction(region), region.range, "");
    Ok(recipe.region.iter().map(check).collect())
}
