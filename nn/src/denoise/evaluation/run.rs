use std::{cell::Cell as Counter, collections::BTreeMap, path::PathBuf, time::Instant};

use burn::tensor::Device;
use kerma::{
    data::{Image, Volume},
    engine::{self, Control, Progress},
    kernels::noise::Stream,
    metrics::{Form, cpbd, ms_ssim, psnr, ssim},
    tasks::radiographs,
};

use super::{
    Cell, Condition, Gallery, Interval, Measured, MethodKind, Metric, Outcome, Recipe, SeamLine, SeamOptions,
    bench::{Bench, Kind},
    matched::search,
    ready::{DISPLAY, Given, RANGE, ReadyMethod},
    scene::{Scene, noisy, truth},
    seams::line_db,
    structure::{difference, false_energy, recovery},
};
use crate::{Error, denoise::Model, feature_distance, perceptual::FeatureDistance};

/// Values of each metric, in the order of the images.
type Values = BTreeMap<Metric, Vec<Option<f64>>>;

/// A recipe with what it needs, ready to run.
pub struct Evaluation {
    recipe: Recipe,
    models: BTreeMap<PathBuf, Model>,
    volumes: Vec<Volume>,
}

impl Evaluation {
    /// An evaluation of models that were loaded, by the paths that the recipe gives them, and of the volumes there are.
    #[must_use]
    pub fn new(recipe: Recipe, models: BTreeMap<PathBuf, Model>, volumes: Vec<Volume>) -> Self {
        Self { recipe, models, volumes }
    }

    /// Runs everything; noise and bodies come from `engine`, tensors are on `device`.
    ///
    /// Ctrl-C is asked for before every image.
    ///
    /// # Errors
    /// [`Error::Model`] when a method's model was not loaded, is of another kind than its sampler, or was trained on the
    /// images, [`Error::Recipe`] when tiles of the test of seams do not suit a network, [`Error::Image`] when images are too
    /// small for a measure, and what the device says.
    pub async fn run(
        &self,
        engine: &engine::Device,
        device: &Device,
        machine: String,
        control: &Control<'_>,
    ) -> Result<Outcome, Error> {
        let begin = Instant::now();
        let recipe = &self.recipe;
        self.check_held_out()?;
        let ways = recipe.methods.iter().map(|method| ReadyMethod::new(method, &self.models, engine, device));
        let ways: Vec<ReadyMethod<'_>> = ways.collect::<Result<_, _>>()?;
        let quiet = Control { is_cancelled: control.is_cancelled, ..Control::default() };
        let drawn = |done: usize, all: usize| {
            // Drawing is told as the beginning of nothing: it takes a small part of the time.
            (control.progress)(Progress { pass: &format!("body {done} of {all}"), fraction: 0.0 });
        };
        let scenes = Scene::all(recipe, self.volumes.clone(), engine, &quiet, drawn).await?;
        let conditions = self.conditions();
        let mut bench = Bench {
            scenes: &scenes,
            seed: recipe.seed,
            engine,
            control,
            features: feature_distance(device)?,
            done: Counter::new(0),
            all: self.work(scenes.len(), conditions.len()),
        };

        let (cells, gallery) = self.table(&ways, &conditions, &mut bench).await?;
        let matched = match &recipe.matched {
            Some(options) => match ways.iter().find(|way| way.options.name == options.method) {
                Some(way) => search(options, &recipe.noise, way, &mut bench).await?,
                None => Vec::new(),
            },
            None => Vec::new(),
        };
        let seams = match &recipe.seams {
            Some(options) => self.seams(options, &ways, &conditions, &mut bench).await?,
            None => Vec::new(),
        };
        let clean: Vec<f64> = scenes.iter().filter_map(|scene| cpbd(&scene.clean, RANGE).ok()).collect();
        let mut outcome = Outcome {
            seed: recipe.seed,
            image_seed: recipe.images.seed,
            size: [recipe.images.size; 2],
            images: scenes.iter().map(|scene| scene.name.clone()).collect(),
            methods: recipe.methods.iter().map(|method| method.name.clone()).collect(),
            baseline: self.baseline().map(|index| recipe.methods[index].name.clone()),
            conditions,
            cells,
            clean_cpbd: Interval::of(&clean),
            matched,
            seams,
            verdicts: Vec::new(),
            seconds: begin.elapsed().as_secs_f64(),
            machine,
            gallery,
        };
        outcome.verdicts = recipe.checks.iter().flat_map(|check| check.judge(&outcome)).collect();
        Ok(outcome)
    }

    /// Refuses images that a model has seen in its training.
    fn check_held_out(&self) -> Result<(), Error> {
        for (path, model) in &self.models {
            let data = &model.card().recipe.data;
            let is_phantom = |images: &radiographs::Options| images.count > 0;
            let reason = if data.radiographs.seed == self.recipe.images.seed
                && is_phantom(&data.radiographs)
                && is_phantom(&self.recipe.images)
            {
                format!("phantoms of seed {}", data.radiographs.seed)
            } else if let Some(volume) = self.recipe.volumes.iter().find(|volume| data.volumes.contains(volume)) {
                format!("bodies from {}", volume.display())
            } else {
                continue;
            };
            let reason = format!("was trained on {reason}: images of the recipe are not held out");
            return Err(Error::Model { path: path.clone(), reason });
        }
        Ok(())
    }

    /// Doses and kinds of noise, highest dose first.
    fn conditions(&self) -> Vec<Condition> {
        let mut doses: Vec<(&String, &f64)> = self.recipe.doses.iter().collect();
        doses.sort_by(|a, b| b.1.total_cmp(a.1));
        let of = |(dose, quanta): (&String, &f64)| {
            let (dose, quanta) = (dose.clone(), *quanta);
            self.recipe.noise.iter().map(move |noise| Condition { dose: dose.clone(), quanta, noise: *noise })
        };
        doses.into_iter().flat_map(of).collect()
    }

    fn baseline(&self) -> Option<usize> {
        self.recipe.methods.iter().position(|method| method.kind == MethodKind::Bm3d)
    }

    /// Number of images to be denoised.
    fn work(&self, images: usize, conditions: usize) -> usize {
        let Recipe { structures, matched, seams, methods, noise, .. } = &self.recipe;
        let pairs = structures.as_ref().map_or(0, |options| options.images.min(images));
        let matched = matched.as_ref().map_or(0, |options| {
            options.images.min(images) * noise.len() * options.dose_count * options.strengths().len()
        });
        let seams =
            seams.as_ref().map_or(0, |options| options.images.min(images) * options.methods.len() * noise.len());
        (images + pairs) * conditions * methods.len() + matched + seams
    }

    /// Every image in every condition through every method.
    async fn table(
        &self,
        ways: &[ReadyMethod<'_>],
        conditions: &[Condition],
        bench: &mut Bench<'_>,
    ) -> Result<(Vec<Cell>, Vec<Gallery>), Error> {
        if let (Some(scene), Some(condition)) = (bench.scenes.first(), conditions.first()) {
            // What a device does once, compiling for it, belongs to no image's time.
            let given = Given { truth: truth(condition), seed: bench.seed, strength: 1.0, tile: None };
            let noisy = noisy(&scene.clean, condition, Stream::new(bench.seed, 0), bench.engine).await?;
            for way in ways {
                way.run(&noisy, given, bench.control).await?;
            }
        }
        // [condition][method]
        let mut values = vec![vec![Values::new(); ways.len()]; conditions.len()];
        let mut gallery = Vec::new();
        let lowest = conditions.iter().map(|condition| condition.quanta).fold(f64::INFINITY, f64::min);
        for (index, scene) in bench.scenes.iter().enumerate() {
            let seed = bench.seed.wrapping_add(index as u64);
            let pair = match &self.recipe.structures {
                Some(options) if index < options.images => {
                    Some((scene.with_inserts(seed, options.inserts)?, options.diameter_px))
                }
                _ => None,
            };
            for (at, condition) in conditions.iter().enumerate() {
                let stream = Stream::new(bench.seed, (index * conditions.len() + at) as u32);
                let given = Given { truth: truth(condition), seed, strength: 1.0, tile: None };
                let noisy_image = noisy(&scene.clean, condition, stream, bench.engine).await?;
                let with = match &pair {
                    Some((clean, _)) => Some(noisy(clean, condition, stream, bench.engine).await?),
                    None => None,
                };
                let mut denoised = Vec::new();
                for (way, values) in ways.iter().zip(&mut values[at]) {
                    let name = &way.options.name;
                    bench.tell(Kind::Table, &format!("{}, {}, {name}", scene.name, condition.label()))?;
                    let start = Instant::now();
                    let made = way.run(&noisy_image, given, bench.control).await?;
                    let seconds = start.elapsed().as_secs_f64();
                    let mut put = |metric, value| {
                        let values = values.entry(metric).or_default();
                        values.resize(index, None);
                        values.push(Some(value));
                    };
                    let is_noisy = way.options.kind == MethodKind::Noisy;
                    for (metric, value) in measures(&scene.clean, &made.image, &bench.features)? {
                        put(metric, value);
                    }
                    if !is_noisy {
                        put(Metric::Seconds, seconds);
                    }
                    if let Some(start) = made.start {
                        put(Metric::Start, start as f64);
                    }
                    if let (Some((clean, diameter_px)), Some(with)) = (&pair, &with) {
                        put(
                            Metric::FalseStructure,
                            false_energy(&scene.clean, &noisy_image, &made.image, *diameter_px),
                        );
                        bench.tell(Kind::Table, &format!("{} with inserts, {name}", scene.name))?;
                        let kept = way.run(with, given, bench.control).await?;
                        let share = recovery([clean, &scene.clean], [&kept.image, &made.image]);
                        // An image without room for inserts has no contrast to recover.
                        if share.is_finite() {
                            put(Metric::ContrastRecovery, share);
                        }
                    }
                    if index == 0 && condition.quanta == lowest && !is_noisy {
                        denoised.push((name.clone(), made.image));
                    }
                }
                if index == 0 && condition.quanta == lowest {
                    let (condition, clean) = (condition.clone(), scene.clean.clone());
                    gallery.push(Gallery { condition, clean, noisy: noisy_image, denoised });
                }
            }
        }
        Ok((self.cells(conditions, values), gallery))
    }

    fn cells(&self, conditions: &[Condition], values: Vec<Vec<Values>>) -> Vec<Cell> {
        let measured = |(metric, values)| Some((metric, Measured::of(values)?));
        let mut cells = Vec::new();
        for (condition, methods) in conditions.iter().zip(values) {
            let methods: Vec<BTreeMap<Metric, Measured>> =
                methods.into_iter().map(|metrics| metrics.into_iter().filter_map(measured).collect()).collect();
            let baseline = self.baseline().and_then(|index| methods.get(index).cloned());
            for (method, mut measures) in self.recipe.methods.iter().zip(methods) {
                for (metric, measured) in &mut measures {
                    let from = baseline.as_ref().and_then(|measures| measures.get(metric));
                    measured.ahead = from.and_then(|from| measured.less(from));
                }
                cells.push(Cell {
                    dose: condition.dose.clone(),
                    noise: condition.noise,
                    method: method.name.clone(),
                    measures,
                });
            }
        }
        cells
    }

    /// Images in tiles so small that their distance is a frequency of the image.
    async fn seams(
        &self,
        options: &SeamOptions,
        ways: &[ReadyMethod<'_>],
        conditions: &[Condition],
        bench: &mut Bench<'_>,
    ) -> Result<Vec<SeamLine>, Error> {
        let lowest = conditions.iter().map(|condition| condition.quanta).fold(f64::INFINITY, f64::min);
        let period_px = options.period(self.recipe.images.size);
        let mut lines = Vec::new();
        for way in ways.iter().filter(|way| options.methods.contains(&way.options.name)) {
            for (at, condition) in conditions.iter().enumerate().filter(|(_, c)| c.quanta == lowest) {
                let (mut differences, mut errors) = (Vec::new(), Vec::new());
                for (index, scene) in bench.scenes.iter().take(options.images).enumerate() {
                    bench.tell(Kind::Seams, &format!("{}, {}", scene.name, way.options.name))?;
                    let stream = Stream::new(bench.seed, (index * conditions.len() + at) as u32);
                    let noisy = noisy(&scene.clean, condition, stream, bench.engine).await?;
                    let seed = bench.seed.wrapping_add(index as u64);
                    let tile = Some([options.tile, options.overlap]);
                    let given = Given { truth: truth(condition), seed, strength: 1.0, tile };
                    let made = way.run(&noisy, given, bench.control).await?;
                    if let Some(tile) = made.tile.filter(|tile| *tile != options.tile) {
                        return Err(Error::Recipe(format!(
                            "seams.tile of {} became {tile}: \"{}\" takes multiples of its network's coarsest pixel",
                            options.tile, way.options.name
                        )));
                    }
                    differences.push(difference(&made.image, &noisy));
                    errors.push(difference(&made.image, &scene.clean));
                }
                let size = [self.recipe.images.size; 2];
                lines.push(SeamLine {
                    method: way.options.name.clone(),
                    dose: condition.dose.clone(),
                    noise: condition.noise,
                    tile: options.tile,
                    period_px,
                    difference_db: line_db(&differences, size, [period_px; 2]),
                    error_db: line_db(&errors, size, [period_px; 2]),
                    images: differences.len(),
                });
            }
        }
        Ok(lines)
    }
}

/// What is measured of every image; what has no value for its size or without edges is left out.
fn measures(clean: &Image, image: &Image, features: &FeatureDistance) -> Result<Vec<(Metric, f64)>, Error> {
    let failed = |e: kerma::metrics::MetricError| Error::Image(e.to_string());
    let always = [
        (Metric::Psnr, psnr(clean, image, RANGE).map_err(failed)?),
        (Metric::Ssim, ssim(clean, image, RANGE, Form::Wang).map_err(failed)?),
        (Metric::FeatureDistance, features.between(clean, image, DISPLAY)?),
    ];
    let sometimes = [(Metric::MsSsim, ms_ssim(clean, image, RANGE)), (Metric::Cpbd, cpbd(image, RANGE))];
    let sometimes = sometimes.into_iter().filter_map(|(metric, value)| Some((metric, value.ok()?)));
    Ok(always.into_iter().chain(sometimes).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::{
        super::{NoiseKind, recipe::tests::TINY},
        *,
    };

    /// A network as its weights were drawn: it denoises nothing.
    const UNTRAINED: &str = r#"
name = "tiny"
method = "diffusion"
seed = 1
network = { conditioned = true, fold = 2, base = 8, multipliers = [1, 2], blocks = 1, groups = 4, attention = false }
diffusion = { schedule = "cosine", steps = 100, prediction = "velocity", levels = [0.01, 1.0], chain_share = 0.1 }
[data]
patch = 16
radiographs = { seed = 1, count = 1, size = 32 }
volumes = ["seen.nii"]
[training]
batch = 1
steps = 1
learning_rate = 1e-3
shape = "cosine"
warm_up = 0
weight_decay = 0.0
clip = 1.0
mean_decay = 0.9
checkpoint = 1
"#;

    fn run(text: &str, control: &Control<'_>) -> Result<Outcome, Error> {
        let device = Device::flex();
        let training = <crate::denoise::training::Recipe as crate::training::System>::from_toml(UNTRAINED).unwrap();
        let model = Model::untrained(training, &device);
        let models = BTreeMap::from([(PathBuf::from("tiny.safetensors"), model)]);
        let recipe = Recipe::from_toml(text).unwrap();
        let evaluation = Evaluation::new(recipe, models, Vec::new());
        pollster::block_on(evaluation.run(&engine::Device::cpu(), &device, "a machine".to_owned(), control))
    }

    fn text() -> String {
        TINY.replace("size = 64", "size = 96")
    }

    #[test]
    fn a_recipe_fills_every_table() {
        let outcome = run(&text(), &Control::default()).unwrap();
        assert_eq!((outcome.cells.len(), outcome.images.len(), outcome.conditions.len()), (12, 2, 4));
        assert_eq!(outcome.conditions[0].dose, "high");
        let mean = |noise, method: &str, metric| {
            outcome.measured("low", noise, method, metric).map(|measured| measured.interval.mean)
        };
        // The mean over two images of 10·log₁₀(100 / 0.4).
        let psnr = |method| mean(NoiseKind::Gaussian, method, Metric::Psnr).unwrap();
        assert!((psnr("noisy") - 23.98).abs() < 0.2, "{}", psnr("noisy"));
        assert!(psnr("BM3D") > psnr("noisy") + 3.0, "{}", psnr("BM3D"));
        assert!(mean(NoiseKind::Poisson, "BM3D", Metric::Psnr) > mean(NoiseKind::Poisson, "noisy", Metric::Psnr));
        for noise in [NoiseKind::Gaussian, NoiseKind::Poisson] {
            assert_eq!(mean(noise, "noisy", Metric::FalseStructure), Some(1.0));
            assert!(mean(noise, "BM3D", Metric::FalseStructure).unwrap() < 1.0);
            assert!(mean(noise, "one-step", Metric::Start).unwrap() > 0.0);
            assert_eq!(mean(noise, "BM3D", Metric::Start), None);
        }
        // The same Gaussian noise with and without inserts; that of counts changes with the mean.
        let recovery = mean(NoiseKind::Gaussian, "noisy", Metric::ContrastRecovery).unwrap();
        assert!((recovery - 1.0).abs() < 1e-3, "{recovery}");
        let measured = outcome.measured("low", NoiseKind::Gaussian, "noisy", Metric::Psnr).unwrap();
        assert!(measured.ahead.unwrap().high() < 0.0 && measured.values.len() == 2);
        // A network that knows nothing is best left out: the smallest factor wins, and the gap shows it.
        assert_eq!(outcome.matched.len(), 4);
        assert!(outcome.matched.iter().any(|dose| dose.gap.mean > 0.2), "{:?}", outcome.matched);
        assert_eq!((outcome.seams.len(), outcome.seams[0].period_px), (2, 16.0));
        assert!(outcome.holds() && outcome.verdicts.len() == 2, "{:?}", outcome.verdicts);
        assert_eq!((outcome.gallery.len(), outcome.gallery[0].denoised.len()), (2, 2));
        let titles: Vec<String> = outcome.grids().into_iter().map(|grid| grid.title).collect();
        for title in ["PSNR (dB)", "SSIM, less BM3D", "Matched start t*", "Seams of tiles", "Checks"] {
            assert!(titles.iter().any(|t| t == title), "{title} is missing in {titles:?}");
        }
    }

    #[test]
    fn checks_fail_for_what_is_not_so() {
        let place = "dose = \"low\"\nnoise = \"gaussian\"";
        let within = format!("kind = \"within\"\nmethod = \"noisy\"\nmetric = \"psnr\"\n{place}");
        let ahead =
            format!("kind = \"ahead\"\nmethod = \"BM3D\"\nof = \"noisy\"\n{place}\nmetrics = [\"false-structure\"]");
        let checks = [
            ("kind = \"matched\"\nat_most_db = 0.0".to_owned(), false),
            (format!("{within}\nat_least = 30.0"), false),
            (format!("{within}\nat_most = 30.0"), true),
            (ahead.clone(), true),
            // One image has no interval that could be ahead as a whole.
            (format!("{ahead}\ncertain = true"), false),
        ];
        let text = text();
        let (start, _) = text.split_once("[[check]]").unwrap();
        let recipe = checks.iter().fold(start.to_owned(), |all, (check, _)| format!("{all}[[check]]\n{check}\n"));
        let outcome = run(&recipe, &Control::default()).unwrap();
        let holds: Vec<bool> = outcome.verdicts.iter().map(|verdict| verdict.holds).collect();
        assert_eq!(holds, checks.map(|(_, holds)| holds), "{:?}", outcome.verdicts);
        assert!(!outcome.holds());
    }

    #[test]
    fn images_of_a_training_and_tiles_that_become_others_are_refused() {
        let refused = |from: &str, to: &str| {
            assert!(text().contains(from));
            run(&text().replace(from, to), &Control::default()).unwrap_err().to_string()
        };
        let seed = refused("seed = 1001", "seed = 1");
        assert!(seed.contains("tiny.safetensors: was trained on phantoms of seed 1:"), "{seed}");
        let volume = refused("seed = 5\n", "seed = 5\nvolumes = [\"seen.nii\"]\n");
        assert!(volume.contains("was trained on bodies from seen.nii:"), "{volume}");
        let tile = refused("tile = 32", "tile = 33");
        assert!(tile.contains("seams.tile of 33 became 36"), "{tile}");
    }

    #[test]
    fn ctrl_c_ends_it_between_images() {
        let (asked, told) = (AtomicBool::new(false), AtomicUsize::new(0));
        let progress = |progress: Progress<'_>| {
            if progress.pass.starts_with("table") {
                asked.store(true, Ordering::Relaxed);
                told.fetch_add(1, Ordering::Relaxed);
            }
        };
        let control = Control { progress: &progress, is_cancelled: &|| asked.load(Ordering::Relaxed) };
        assert!(matches!(run(&text(), &control), Err(Error::Engine(engine::Error::Cancelled))));
        assert_eq!(told.into_inner(), 1);
    }
}
