mod page;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use kerma::{
    data::{Image, Volume},
    engine::{Control, Progress},
    io::write_bytes,
};
use kerma_nn::{
    Card, Error, Model, Precision, beside,
    denoise::{self, training::Pool},
    improve,
    networks::{Classifier, Unet},
    quality::{self, Radiographs},
    reconstruct::{self, Bodies},
    segment::{self, Calibration, OFFSET, SLOPE, Segmenter, Slices, THRESHOLD, evaluation::OperatingPoint},
    training::{System, Task, Trainer},
};

use super::{evaluate::detection::validation, simulate::clean_views};
use crate::{
    context::{Bar, Context},
    failure::Failure,
    inputs, interrupt,
    summary::counted,
};

const EXAMPLES: &str = "\
Examples:
  kerma train recipes/ddpm-x.toml --out models
  kerma train recipes/ddpm-x.toml --out models --resume

Writes NAME.safetensors with its card in NAME.json, NAME.html with the loss curve, and a checkpoint folder NAME.checkpoint
from which --resume goes on to the bit. Ctrl-C writes a checkpoint and ends.";

/// Arguments of `kerma train`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    /// Recipe: network, data, method, steps
    recipe: PathBuf,
    /// Folder to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on from the checkpoint in the folder
    #[arg(long)]
    resume: bool,
    /// Write weights of 16 bits: half the file, for a loss of digits that the evaluation tells
    #[arg(long)]
    half: bool,
}

/// Runs `kerma train`.
pub(crate) fn run(args: &TrainArgs, context: &mut Context) -> Result<(), Failure> {
    let text = context.read(|| fs::read_to_string(&args.recipe)).map_err(|e: Failure| e.in_file(&args.recipe))?;
    let in_recipe = |error: Error| Failure::from(error).in_file(&args.recipe);
    match Task::of_recipe(&text).map_err(in_recipe)? {
        Task::Denoise => denoiser(args, denoise::training::Recipe::from_toml(&text).map_err(in_recipe)?, context),
        Task::Improve => improver(args, improve::Recipe::from_toml(&text).map_err(in_recipe)?, context),
        Task::Segment => segmenter(args, segment::Recipe::from_toml(&text).map_err(in_recipe)?, context),
        Task::Assess => assessor(args, quality::Recipe::from_toml(&text).map_err(in_recipe)?, context),
        Task::Reconstruct => reconstructor(args, reconstruct::Recipe::from_toml(&text).map_err(in_recipe)?, context),
    }
}

/// A training from radiographs that are drawn for it.
fn denoiser(args: &TrainArgs, mut recipe: denoise::training::Recipe, context: &mut Context) -> Result<(), Failure> {
    let checkpoint = args.checkpoint(&recipe)?;
    // Card and checkpoint tell of what was there.
    let volumes = inputs::volumes_at_hand(&mut recipe.data.volumes, "the training", context)?;
    inputs::at_hand(&mut recipe.data.simulated, "the training", context);
    let simulated = recipe.data.simulated.iter().map(|folder| clean_views(folder, context));
    let simulated = simulated.collect::<Result<Vec<_>, _>>()?.concat();
    let trainer = Trainer::new(recipe.clone(), &beside(context.device()?)?)?;
    let trainer = args.resumed(trainer, &checkpoint)?;
    let pool = pool(&recipe, volumes, simulated, context)?;
    context.measure("views", pool.views());
    learn(args, trainer, &pool, nothing_measured, context)
}

/// A training from reconstructions and truths of simulated cases.
fn improver(args: &TrainArgs, mut recipe: improve::Recipe, context: &mut Context) -> Result<(), Failure> {
    let checkpoint = args.checkpoint(&recipe)?;
    let device = beside(context.device()?)?;
    let before = recipe.before(&args.out, &device)?;
    let pairs = context.read(|| Ok::<_, Failure>(improve::Pairs::open(&mut recipe, before)?))?;
    context.measure("bodies", pairs.count());
    let trainer = args.resumed(Trainer::new(recipe, &device)?, &checkpoint)?;
    learn(args, trainer, &pairs, nothing_measured, context)
}

/// A training from nodules in volumes of simulated cases.
fn segmenter(args: &TrainArgs, mut recipe: segment::Recipe, context: &mut Context) -> Result<(), Failure> {
    let checkpoint = args.checkpoint(&recipe)?;
    let device = beside(context.device()?)?;
    let before = recipe.before(&args.out, &device)?;
    let start = recipe.started(&args.out, &device)?;
    let slices = context.read(|| Ok::<_, Failure>(Slices::open(&mut recipe, before)?))?;
    context.measure("bodies", slices.count());
    let trainer = match start {
        Some(network) => Trainer::from_weights(recipe, network, &device)?,
        None => Trainer::new(recipe, &device)?,
    };
    let measure = |card: &Card<segment::Recipe>, network: &Unet, context: &mut Context| {
        let recipe = &card.recipe;
        if recipe.data.validation.is_empty() {
            return Ok(BTreeMap::new());
        }
        let before = recipe.before(&args.out, &device)?;
        let segmenter = Segmenter::new(Model::new(card.clone(), network.clone()), before, &device)?;
        let cases = validation(recipe)?;
        let OperatingPoint { calibration, threshold } = context.compute(|| OperatingPoint::of(segmenter, cases))?;
        let Calibration { slope, offset } = calibration;
        let stated = threshold.map(|(threshold, f1)| [(THRESHOLD, threshold), ("validation F1", f1)]);
        let stated = stated.into_iter().flatten().chain([(SLOPE, slope), (OFFSET, offset)]);
        Ok(stated.map(|(name, value)| (name.to_owned(), value)).collect())
    };
    learn(args, args.resumed(trainer, &checkpoint)?, &slices, measure, context)
}

/// For systems of whose networks nothing is measured when the training is done.
fn nothing_measured<S: System>(_: &Card<S>, _: &S::Network, _: &mut Context) -> Result<BTreeMap<String, f64>, Failure> {
    Ok(BTreeMap::new())
}

/// A training from simulated radiographs without noise; the card says what the validation's radiographs say of it.
fn assessor(args: &TrainArgs, recipe: quality::Recipe, context: &mut Context) -> Result<(), Failure> {
    let checkpoint = args.checkpoint(&recipe)?;
    let device = beside(context.device()?)?;
    let radiographs = context.read(|| Ok::<_, Failure>(Radiographs::open(&recipe)?))?;
    context.measure("radiographs", radiographs.count());
    let trainer = args.resumed(Trainer::new(recipe, &device)?, &checkpoint)?;
    let measure = |card: &Card<quality::Recipe>, network: &Classifier, _: &mut Context| {
        Ok(card.recipe.calibrated(network, &device)?)
    };
    learn(args, trainer, &radiographs, measure, context)
}

/// A training from slices of bodies that are drawn and scanned for it.
fn reconstructor(args: &TrainArgs, recipe: reconstruct::Recipe, context: &mut Context) -> Result<(), Failure> {
    let checkpoint = args.checkpoint(&recipe)?;
    let engine = context.device()?.clone();
    let bodies = context.compute(|| Bodies::draw(&recipe, &engine))?;
    context.measure("bodies", bodies.count());
    let trainer = args.resumed(Trainer::new(recipe, &beside(&engine)?)?, &checkpoint)?;
    learn(args, trainer, &bodies, nothing_measured, context)
}

impl TrainArgs {
    fn file(&self, recipe: &impl System, ending: &str) -> PathBuf {
        self.out.join(format!("{}.{ending}", recipe.name()))
    }

    /// Where checkpoints go; refuses what a training before has left, unless it is to go on from there.
    fn checkpoint(&self, recipe: &impl System) -> Result<PathBuf, Failure> {
        fs::create_dir_all(&self.out).map_err(|e| Failure::input(e).in_file(&self.out))?;
        let checkpoint = self.file(recipe, "checkpoint");
        if checkpoint.exists() && !self.resume {
            let refusal = "is of a training before; go on from it with --resume, or remove it";
            return Err(Failure::input(refusal).in_file(&checkpoint));
        }
        Ok(checkpoint)
    }

    /// A training at its start, or where its checkpoint stopped.
    fn resumed<S: System>(&self, trainer: Trainer<S>, checkpoint: &Path) -> Result<Trainer<S>, Failure> {
        Ok(if self.resume { trainer.resume(checkpoint)? } else { trainer })
    }
}

/// All steps that are left, what is measured of the network then, and what is written of both.
fn learn<S: System>(
    args: &TrainArgs,
    mut trainer: Trainer<S>,
    data: &S::Data,
    measure: impl FnOnce(&Card<S>, &S::Network, &mut Context) -> Result<BTreeMap<String, f64>, Failure>,
    context: &mut Context,
) -> Result<(), Failure> {
    let file = |ending| args.file(trainer.recipe(), ending);
    let (checkpoint, weights, page) = (file("checkpoint"), file("safetensors"), file("html"));
    let (steps, every) = (trainer.recipe().training().steps, trainer.recipe().training().checkpoint);
    let training = Instant::now();
    let bar = Bar::new("training", context.options().quiet);
    // Ctrl-C waits for the step and its checkpoint.
    interrupt::orderly(|| {
        while trainer.step_count() < steps {
            let done = pollster::block_on(trainer.step(data, context.device()?))?;
            let count = trainer.step_count();
            let fraction = count as f64 / steps as f64;
            bar.show(Progress { pass: &format!("step {count}, loss {:.5}", done.loss), fraction });
            if interrupt::is_asked() || count.is_multiple_of(every) {
                trainer.save(&checkpoint)?;
                let recent = &trainer.losses()[count.saturating_sub(every)..];
                let mean = recent.iter().sum::<f32>() / recent.len() as f32;
                context.note(&format!("step {count} of {steps}: loss {mean:.5}, checkpoint written"));
            }
            interrupt::check()?;
        }
        Ok(())
    })?;
    drop(bar);
    context.add_run("the training", training.elapsed().as_secs_f64());

    let seconds = trainer.seconds();
    let mut card = trainer.card(machine(context)?);
    card.metrics = measure(&card, trainer.mean(), context)?;
    let mut model = Model::new(card, trainer.mean().clone());
    let precision = if args.half { Precision::Half } else { Precision::Single };
    context.write(&weights, |path| model.save(path, precision).map_err(Failure::from))?;
    let card = model.card();
    let summary = context.summary().for_page(context.device()?.self_test().summary());
    let html = page::report(card, trainer.losses(), summary).to_html();
    context.write(&page, |path| write_bytes(path, html.as_bytes()))?;
    context.measure("steps", card.steps);
    context.measure("parameters", card.parameters);
    context.measure("loss", card.loss);
    context.measure("training_seconds", seconds);
    let (parameters, loss) = (card.parameters, card.loss);
    context.finish(&format!("{}: {parameters} weights, {steps} steps, loss {loss:.5}", weights.display()))
}

/// Draws the bodies of the recipe, under a progress bar.
fn pool(
    recipe: &denoise::training::Recipe,
    volumes: Vec<Volume>,
    simulated: Vec<Image>,
    context: &mut Context,
) -> Result<Pool, Failure> {
    context.drive("bodies", |engine, control| {
        let show = |done: usize, all: usize| {
            (control.progress)(Progress { pass: &format!("{done} of {all}"), fraction: done as f64 / all as f64 });
        };
        // Bodies are what progress counts, not the passes of each.
        let control = Control { is_cancelled: control.is_cancelled, ..Control::default() };
        let drawn = Pool::draw(&recipe.data, volumes, simulated, recipe.seed, engine, &control, show);
        Ok(pollster::block_on(drawn)?)
    })
}

/// The device in words, for the model's card.
pub(super) fn machine(context: &Context) -> Result<String, Failure> {
    Ok(match context.device()?.adapter() {
        Some(adapter) => format!("{}, {} {}", adapter.name, adapter.backend, adapter.driver),
        None => {
            let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
            let brand = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let brand = brand.map_or("an unknown processor", |(_, name)| name);
            format!("{} of {brand}", counted(threads, "thread"))
        }
    })
}
