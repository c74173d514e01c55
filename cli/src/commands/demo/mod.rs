//! The main job, from phantom or CT to a report.
//!
//! ```text
//! scene       what is X-rayed: the chest phantom, or a CT
//! radiograph · cone_beam · tomosynthesis      one scan each, with what is made of it
//! enhancement of the radiograph
//! low_dose    the radiograph with few quanta, denoised
//! physics     with --physics, the scans again as a tube and a panel take them
//! accuracy    how far the results are from what went in
//! page · folder                               the report, and all files
//! ```

mod accuracy;
mod acquisition;
mod cone_beam;
mod enhancement;
mod folder;
mod grids;
#[cfg(feature = "nn")]
mod low_dose;
mod page;
mod physics;
mod radiograph;
mod sampling;
mod scene;
mod tomosynthesis;
mod views;

use std::{path::PathBuf, time::Instant};

use clap::Args;
use kerma::tasks::enhance::Enhanced;
use serde_json::{Map, Value, json};

use crate::{context::Context, failure::Failure, interrupt, report::significant};
use accuracy::{Deviation, ProjectionError, deviations, projection_error};
use acquisition::Acquisition;
use cone_beam::ConeBeam;
use enhancement::{Clarified, PRESET};
use folder::{Folder, PAGE};
#[cfg(feature = "nn")]
use low_dose::LowDose;
use physics::{Physics, Real};
use radiograph::Shot;
use sampling::Sampling;
use scene::Scene;
use tomosynthesis::Tomosynthesis;

/// Views whose line integrals are compared with the phantom's closed form.
const COMPARED_VIEWS: usize = 4;

/// Arguments of `kerma demo`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// CT volume to start from instead of the built-in chest phantom
    #[arg(long, value_name = "FILE")]
    ct: Option<PathBuf>,
    /// Folder for the report, pictures and volumes
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// Sample half as finely: for slow machines
    #[arg(long)]
    quick: bool,
    /// Take the scans once more with spectrum, scatter, grid, detector and noise
    #[arg(long)]
    physics: bool,
    /// Also write the radiograph, before and after enhancement, as DICOM files
    #[arg(long)]
    dicom: bool,
}

/// All that was computed.
struct Results {
    scene: Scene,
    shot: Shot,
    clarified: Clarified,
    #[cfg(feature = "nn")]
    low_dose: LowDose,
    cone_beam: ConeBeam,
    tomosynthesis: Tomosynthesis,
    deviations: Vec<Deviation>,
    projection_error: Option<ProjectionError>,
    physics: Option<Physics>,
    /// What took how many seconds.
    stages: Vec<(String, f64)>,
}

impl Results {
    /// The scans, by the stem of their files.
    fn acquisitions(&self) -> [(&'static str, &Acquisition); 3] {
        [
            ("radiograph", &self.shot.acquisition),
            ("cone-beam", &self.cone_beam.acquisition),
            ("tomosynthesis", &self.tomosynthesis.acquisition),
        ]
    }
}

/// Runs `kerma demo`.
pub(crate) fn run(args: &DemoArgs, context: &mut Context) -> Result<(), Failure> {
    let folder = Folder::new(&args.out)?;
    let results = compute(args, context)?;
    interrupt::orderly(|| {
        let mut draft = folder.draft()?;
        draft.fill(context, &results)?;
        if args.dicom {
            draft.dicom(context, &results)?;
        }
        let self_test = context.device()?.self_test().summary();
        let html = page::report(&results, context.summary(), self_test)?.to_html();
        draft.page(context, &html)?;
        draft.publish()
    })?;
    measure(&results, context);
    context.finish(&headline(&results, context, &folder))
}

fn compute(args: &DemoArgs, context: &mut Context) -> Result<Results, Failure> {
    let sampling = if args.quick { Sampling::QUICK } else { Sampling::FULL };
    let begin = Instant::now();
    let scene = match &args.ct {
        Some(path) => Scene::ct(context, path, &sampling)?,
        None => Scene::phantom(context, &sampling)?,
    };
    let first = if args.ct.is_some() { "read and average the CT" } else { "sample the phantom" };
    let mut stages = vec![(first.to_owned(), begin.elapsed().as_secs_f64())];
    let shot = Shot::take(context, &scene, &sampling)?;
    let clarified = Clarified::of(context, &shot)?;
    #[cfg(feature = "nn")]
    let low_dose = LowDose::of(context, &shot)?;
    let cone_beam = ConeBeam::take(context, &scene, &sampling)?;
    let tomosynthesis = Tomosynthesis::take(context, &scene, &sampling)?;
    stages.extend_from_slice(context.stages());

    let begin = Instant::now();
    let deviations = deviations(&cone_beam.reference, &cone_beam.result);
    let projection_error = match &scene.phantom {
        Some(phantom) => Some(projection_error(phantom, &cone_beam.acquisition, COMPARED_VIEWS)?),
        None => None,
    };
    stages.push(("compare with the truth".to_owned(), begin.elapsed().as_secs_f64()));
    let begin = Instant::now();
    let physics = match args.physics {
        true => Some(Physics::of(context, &scene, &sampling, &shot, &cone_beam, &tomosynthesis)?),
        false => None,
    };
    stages.extend(physics.is_some().then(|| ("scans with physics".to_owned(), begin.elapsed().as_secs_f64())));
    Ok(Results {
        scene,
        shot,
        clarified,
        #[cfg(feature = "nn")]
        low_dose,
        cone_beam,
        tomosynthesis,
        deviations,
        projection_error,
        physics,
        stages,
    })
}

/// Puts what was found into the object for scripts.
fn measure(results: &Results, context: &mut Context) {
    context.measure("input", &results.scene.name);
    context.measure("grid", results.scene.volume.grid().to_string());
    let self_test = context.device().map(|device| device.self_test().summary()).unwrap_or_default();
    context.measure("self_test", self_test);
    let tissue = |d: &Deviation| {
        let Deviation { region, voxel_count, reference_hu, bias_hu, rmse_hu } = d;
        json!({ "region": region, "voxels": voxel_count, "reference_hu": reference_hu, "bias_hu": bias_hu, "rmse_hu": rmse_hu })
    };
    let Enhanced { threshold, mask_share, bits, .. } = &results.clarified.enhanced;
    let enhancement = json!({ "preset": PRESET, "bits": bits, "threshold": threshold, "mask_share": mask_share });
    context.measure("enhancement", enhancement);
    #[cfg(feature = "nn")]
    {
        let LowDose { errors: [noisy, denoised], start, .. } = &results.low_dose;
        let object = json!({ "photons": low_dose::PHOTONS, "model": low_dose::MODEL, "start_step": start,
            "rms_error": { "noisy": noisy, "denoised": denoised } });
        context.measure("low_dose", object);
    }
    context.measure("cone_beam", results.deviations.iter().map(tissue).collect::<Vec<_>>());
    if let Some(error) = &results.projection_error {
        let ProjectionError { view_count, mean, relative_bias, relative_rms, .. } = error;
        let object =
            json!({ "views": view_count, "mean": mean, "relative_bias": relative_bias, "relative_rms": relative_rms });
        context.measure("siddon", object);
    }
    if let Some(physics) = &results.physics {
        let measured = |(name, real): (&str, &Real)| {
            let numbers = real.images.results.iter().map(|result| (result.name.to_owned(), result.value.into()));
            (name.replace('-', "_"), Value::Object(numbers.collect()))
        };
        let mut object: Map<String, Value> = physics.scans().map(measured).into_iter().collect();
        object.insert("tissues".to_owned(), physics.deviations.iter().map(tissue).collect());
        context.measure("physics", object);
    }
    let stage = |(stage, seconds): &(String, f64)| json!({ "stage": stage, "seconds": seconds });
    context.measure("stages", results.stages.iter().map(stage).collect::<Vec<_>>());
}

/// What people read when all is done: the files, and the numbers that matter.
fn headline(results: &Results, context: &Context, folder: &Folder) -> String {
    let mut lines = context.summary().outputs.clone();
    for d in &results.deviations {
        let [bias, rmse] = [d.bias_hu, d.rmse_hu].map(|hu| significant(hu, 2));
        lines.push(format!("cone-beam CT, {}: bias {bias} HU, RMS error {rmse} HU", d.region));
    }
    if let Some(error) = &results.projection_error {
        let percent = significant(error.relative_rms * 100.0, 2);
        lines.push(format!("line integrals against the phantom's closed form: RMS difference {percent} %"));
    }
    for (name, real) in results.physics.iter().flat_map(Physics::scans) {
        let fraction = real.images.results.iter().find(|result| result.name == "scatter_fraction");
        lines.extend(
            fraction.map(|share| format!("{name} with physics: scatter fraction {}", significant(share.value, 2))),
        );
    }
    lines.push(format!("open {}", folder.file(PAGE).display()));
    lines.join("\n")
}
