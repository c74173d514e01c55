//! Trainings of networks that assess radiographs: they learn, come out the same twice, resume to the bit, and say what is wrong with
//! their cases; and what the networks tell afterwards.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "common/weights.rs"]
mod weights;

use std::{fs, path::Path};

use burn::tensor::Device;
use kerma::{
    data::{Image, Projections, Sample, Unit},
    engine,
    io::write_projections,
};
use kerma_nn::{
    Error, Model, Precision,
    quality::{
        Answer, Assessor, Exposure, Quantity, Radiograph, Radiographs, Recipe, Scale,
        evaluation::{Evaluation, Outcome, Part},
    },
    training::{System, Trainer},
};
use tempfile::TempDir;
use weights::bits;

const SIDE: usize = 128;
/// Angles of the cases; those of one body follow each other.
const ANGLES: [f64; 6] = [-25.0, 3.0, 15.0, -12.0, -2.0, 28.0];

/// Line integrals of a body with a lung that wanders with the angle, as a detector has them: from below, seen from behind.
fn integrals(angle: f64) -> Vec<f32> {
    let of = |at: usize| {
        let [x, y] = [at % SIDE, at / SIDE].map(|place| place as f64 - 63.5);
        let lung = ((x - angle).powi(2) + y * y).sqrt() < 20.0;
        let texture = ((at * 7919) % 31) as f64 / 3000.0;
        (if x.abs() > 55.0 { 0.0 } else { 3.0 - 1.5 * f64::from(u8::from(lung)) + texture }) as f32
    };
    (0..SIDE * SIDE).map(of).collect()
}

fn put(folder: &Path, angle: f64, is_noisy: bool) {
    fs::create_dir_all(folder).unwrap();
    let stack = Projections::new(1, [SIDE, SIDE], [0.8, 0.8], Unit::LineIntegral, integrals(angle)).unwrap();
    write_projections(folder.join("integrals.nrrd"), &stack).unwrap();
    let record = format!(
        r#"{{"protocols": [{{"protocol": {{"patient": {{"position": {{"roll_deg": {angle}}}}},
        "detector": {{"quanta": {{"enabled": {is_noisy}}}, "electronics": {{"enabled": false}}}}}}}}]}}"#
    );
    fs::write(folder.join("run.json"), record).unwrap();
}

/// A folder of two bodies in three places each.
fn cases() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (index, angle) in ANGLES.into_iter().enumerate() {
        put(&folder.path().join(format!("body-{}-{}", index / 3, index % 3)), angle, false);
    }
    folder
}

fn recipe(quantity: &str, answer: &str, folder: &Path) -> Recipe {
    let (cases, inputs) = (folder.display(), if quantity == "noise" { 2 } else { 1 });
    let outputs = match (quantity, answer) {
        (_, "value") => 1,
        ("noise", _) => 2,
        _ => 3,
    };
    Recipe::from_toml(&format!(
        r#"
        task = "assess"
        name = "quality"
        seed = 3
        quantity = "{quantity}"
        answer = "{answer}"
        [network]
        inputs = {inputs}
        outputs = {outputs}
        fold = 4
        base = 8
        multipliers = [1, 2, 4]
        blocks = 1
        groups = 4
        [data]
        cases = ['{cases}']
        validation = ['{cases}']
        [training]
        batch = 4
        steps = 60
        learning_rate = 1e-2
        shape = "cosine"
        warm_up = 4
        weight_decay = 0.01
        clip = 1.0
        mean_decay = 0.8
        checkpoint = 10
        "#
    ))
    .unwrap()
}

const KINDS: [(&str, &str); 6] = [
    ("noise", "value"),
    ("noise", "classes"),
    ("contrast", "value"),
    ("contrast", "classes"),
    ("rotation", "value"),
    ("rotation", "classes"),
];

fn opened(recipe: &Recipe) -> (Trainer<Recipe>, Radiographs) {
    (Trainer::new(recipe.clone(), &Device::flex()).unwrap(), Radiographs::open(recipe).unwrap())
}

fn run(trainer: &mut Trainer<Recipe>, radiographs: &Radiographs, steps: usize) {
    for _ in 0..steps {
        pollster::block_on(trainer.step(radiographs, &engine::Device::cpu())).unwrap();
    }
}

/// Bits of the weights after so many steps.
fn trained(recipe: &Recipe, steps: usize) -> Vec<u32> {
    let (mut trainer, radiographs) = opened(recipe);
    run(&mut trainer, &radiographs, steps);
    bits(trainer.mean())
}

/// Mean loss of the last of 60 steps.
fn late_loss(recipe: &Recipe) -> f32 {
    let (mut trainer, radiographs) = opened(recipe);
    run(&mut trainer, &radiographs, 60);
    trainer.losses()[45..].iter().sum::<f32>() / 15.0
}

#[test]
fn the_loss_falls_unless_labels_are_shuffled() {
    let folder = cases();
    // The others take longer than a test may; quantity and answer are told apart by these.
    for (quantity, answer) in [("noise", "value"), ("noise", "classes"), ("rotation", "value")] {
        let learning = recipe(quantity, answer, folder.path());
        let mut still = learning.clone();
        still.training.learning_rate = 1e-9;
        let [learning, still] = [late_loss(&learning), late_loss(&still)];
        println!("{quantity}, {answer}: {learning} {still}");
        assert!(learning < 0.8 * still, "{quantity}, {answer}: {learning} {still}");
    }
    let mut shuffled = recipe("noise", "value", folder.path());
    let real = late_loss(&shuffled);
    shuffled.data.shuffled_labels = true;
    let told = shuffled.check().unwrap_err().to_string();
    assert!(told.contains("data.validation"), "{told}");
    shuffled.data.validation.clear();
    assert!(late_loss(&shuffled) > 1.5 * real);
}

#[test]
fn bodies_that_lay_turned_have_that_angle_besides() {
    let folder = cases();
    let of = |turned| {
        let folders = [folder.path().to_owned()];
        Radiographs::of_turned(&folders, Quantity::Rotation, 0, turned).unwrap().get(2).unwrap().angle_deg
    };
    assert_eq!((of(0.0), of(4.5)), (ANGLES[2], ANGLES[2] + 4.5));
}

#[test]
fn what_a_fit_of_noise_errs_by_is_learned() {
    let folder = cases();
    let mut recipe = recipe("noise", "value", folder.path());
    recipe.training.learning_rate = 1e-9;
    let without = late_loss(&recipe);
    recipe.corrects_fit = true;
    let still = late_loss(&recipe);
    recipe.training.learning_rate = 1e-2;
    let learning = late_loss(&recipe);
    println!("without the fit {without}, with it {still}, corrected {learning}");
    // A network that has learned nothing knows as much as the fit; then it learns what that errs by.
    assert!(still < 0.2 * without && learning < 0.9 * still, "{without} {still} {learning}");
    assert!(trained(&recipe, 3) == trained(&recipe, 3));

    recipe.data.validation.clear();
    recipe.data.shuffled_labels = true;
    let message = recipe.check().unwrap_err().to_string();
    assert!(message.contains("corrects_fit would tell a control the truth"), "{message}");
    let classes = Recipe { corrects_fit: true, ..self::recipe("noise", "classes", folder.path()) };
    assert!(classes.check().unwrap_err().to_string().contains("value of noise alone"));
}

#[test]
fn a_resumed_training_gives_the_bits_of_one_without_a_stop() {
    let folder = cases();
    for (quantity, answer) in KINDS {
        let recipe = recipe(quantity, answer, folder.path());
        let (mut whole, radiographs) = opened(&recipe);
        run(&mut whole, &radiographs, 5);
        let (mut first, radiographs) = opened(&recipe);
        run(&mut first, &radiographs, 3);
        let checkpoint = folder.path().join(format!("{quantity}-{answer}.checkpoint"));
        first.save(&checkpoint).unwrap();
        let (second, radiographs) = opened(&recipe);
        let mut second = second.resume(&checkpoint).unwrap();
        run(&mut second, &radiographs, 2);
        assert_eq!(whole.losses(), second.losses());
        assert!(bits(whole.mean()) == bits(second.mean()), "{quantity}, {answer}: other weights");
        assert!(bits(whole.mean()) != bits(first.mean()), "the control: two steps change the weights");
    }
}

#[test]
fn weights_are_the_same_on_any_threads() {
    let folder = cases();
    for (quantity, answer) in KINDS {
        let recipe = recipe(quantity, answer, folder.path());
        let alone = trained(&recipe, 3);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let again = pool.install(|| trained(&recipe, 3));
            assert!(again == alone, "{quantity}, {answer}: other weights on {threads} threads");
        }
        assert!(trained(&recipe, 4) != alone, "the control: one step more is another network");
        let other = Recipe { seed: 4, ..recipe };
        assert!(trained(&other, 0) != trained(&Recipe { seed: 3, ..other.clone() }, 0), "the control: another seed");
    }
}

/// A trained model with the calibration of its own cases, in a file.
fn model(recipe: &Recipe, steps: usize) -> (TempDir, Model<Recipe>) {
    let (mut trainer, radiographs) = opened(recipe);
    run(&mut trainer, &radiographs, steps);
    let mut card = trainer.card("a test".to_owned());
    card.metrics = recipe.calibrated(trainer.mean(), &Device::flex()).unwrap();
    let mut model = Model::new(card, trainer.mean().clone());
    let folder = TempDir::new().unwrap();
    model.save(&folder.path().join("quality.safetensors"), Precision::Single).unwrap();
    (folder, model)
}

fn image(values: Vec<f32>) -> Image {
    Image::new([SIDE, SIDE], None, Sample::Float, Unit::Arbitrary, values).unwrap()
}

#[test]
fn an_image_is_told_its_noise_and_its_brightness_does_not_count() {
    let folder = cases();
    let (models, _) = model(&recipe("noise", "value", folder.path()), 60);
    let file = models.path().join("quality.safetensors");
    let assessor = Assessor::load(&file, Quantity::Noise, &Device::flex()).unwrap();
    let radiograph = Radiograph::read(&folder.path().join("body-0-1"), Quantity::Noise).unwrap();
    let of = |quanta: f64, brightness: f32| {
        let exposure = Exposure { ln_quanta: quanta.ln(), electronic: 1.0, exponent: 0.0, is_inverted: false, seed: 5 };
        let signal = exposure.signal(&radiograph.signal, SIDE, 1.0);
        let image = image(signal.iter().map(|value| value * brightness).collect());
        assessor.run(&image, Scale::Exposure).unwrap()
    };
    let [poor, rich] = [of(150.0, 1.0), of(15_000.0, 1.0)];
    println!("{poor:?} {rich:?}");
    assert!(rich.value.unwrap() > poor.value.unwrap() + 2.0 && (poor.class, rich.class) == (0, 1));
    let bright = of(150.0, 1024.0);
    assert!((bright.value.unwrap() - poor.value.unwrap()).abs() < 1e-3, "{bright:?}");

    let refusal = |image: &Image, scale| assessor.run(image, scale).unwrap_err().to_string();
    let good = image(vec![1.0; SIDE * SIDE]);
    assert!(refusal(&good, Scale::Display).contains("no noise value"));
    let small = Image::new([SIDE, 100], None, Sample::Float, Unit::Arbitrary, vec![1.0; SIDE * 100]).unwrap();
    assert!(refusal(&small, Scale::Exposure).contains("128 x 128 pixels or more, got 128 x 100"));
    assert!(refusal(&image(vec![f32::NAN; SIDE * SIDE]), Scale::Exposure).contains("finite"));
    assert!(refusal(&image(vec![-1.0; SIDE * SIDE]), Scale::Exposure).contains("its median is -1"));
    let other = Assessor::load(&file, Quantity::Rotation, &Device::flex()).err().unwrap().to_string();
    assert!(other.contains("tells the noise of radiographs; a model for rotation is needed"), "{other}");
}

#[test]
fn a_mirrored_image_has_the_opposite_angle_and_class() {
    let folder = cases();
    for answer in ["value", "classes"] {
        let (_, model) = model(&recipe("rotation", answer, folder.path()), 10);
        let assessor = Assessor::new(model, &Device::flex());
        let values = |angle: f64| integrals(angle);
        let mirrored = |angle: f64| values(angle).chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
        for angle in ANGLES {
            let own = assessor.run(&image(values(angle)), Scale::Display).unwrap();
            let other = assessor.run(&image(mirrored(angle)), Scale::Display).unwrap();
            assert_eq!(own.value.map(|value| -value), other.value);
            assert_eq!(own.class, 2 - other.class);
            assert_eq!(own.value.is_some(), answer == "value");
            assert!(own.value.is_none_or(|value| value != 0.0), "the control: images have an angle");
        }
    }
}

#[test]
fn calibration_stands_in_the_card() {
    let folder = cases();
    let (_, value) = model(&recipe("contrast", "value", folder.path()), 5);
    let names = |model: &Model<Recipe>| model.card().metrics.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&value), ["error_90", "gain", "offset"]);
    assert!(Assessor::new(value, &Device::flex()).error().is_some_and(|error| error > 0.0));
    let (_, rotation) = model(&recipe("rotation", "value", folder.path()), 5);
    assert_eq!(rotation.card().metrics["offset"], 0.0);
    let (_, classes) = model(&recipe("contrast", "classes", folder.path()), 5);
    assert_eq!((classes.card().recipe.answer, names(&classes)), (Answer::Classes, vec!["margin".to_owned()]));
    let mut without = recipe("contrast", "value", folder.path());
    without.data.validation.clear();
    assert!(names(&model(&without, 1).1).is_empty());
}

#[test]
fn cases_that_do_not_fit_are_refused_by_name() {
    let folder = cases();
    let last = folder.path().join("body-1-2");
    let refusal = || Radiograph::read(&last, Quantity::Contrast).unwrap_err().to_string();
    put(&last, 3.0, true);
    assert!(refusal().contains("body-1-2: has the noise of a detector"), "{}", refusal());
    fs::write(last.join("run.json"), "{").unwrap();
    assert!(refusal().contains("body-1-2: run.json"), "{}", refusal());
    put(&last, 3.0, false);
    fs::remove_file(last.join("integrals.nrrd")).unwrap();
    assert!(refusal().contains("integrals.nrrd"), "{}", refusal());

    let text = toml_of(&recipe("rotation", "value", folder.path()));
    for (from, to, words) in [
        ("outputs = 1", "outputs = 3", "inputs must be 1 and outputs 1 for rotation, got 1 and 3"),
        ("task = \"assess\"", "task = \"segment\"", "task must be \"assess\""),
        ("fold = 4", "fold = 3", "must divide the 128 pixels"),
        ("batch = 4", "batch = 0", "training.batch"),
    ] {
        assert!(text.contains(from), "{text}");
        let error = Recipe::from_toml(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

fn toml_of(recipe: &Recipe) -> String {
    toml::to_string(recipe).unwrap()
}

#[test]
fn an_evaluation_holds_networks_to_what_needs_none() {
    let folder = cases();
    let folders = [folder.path().to_owned()];
    let part = |quantity: Quantity| {
        let recipes = ["value", "classes"].map(|answer| recipe(quantity.name(), answer, folder.path()));
        let networks = recipes
            .map(|recipe| (format!("{:?}", recipe.answer), Assessor::new(model(&recipe, 30).1, &Device::flex())));
        let radiographs = Radiographs::of(&folders, quantity, 0).unwrap();
        let evaluation = Evaluation::new(quantity, networks.into(), &radiographs, 1).unwrap();
        let bodies = evaluation.measure(&radiographs, &mut |_| Ok(())).unwrap();
        assert_eq!((bodies.len(), bodies[0].len()), (2, 4));
        let stopped = evaluation.measure(&radiographs, &mut |_| Err(Error::Options("stop".to_owned())));
        assert!(stopped.is_err());
        Part { quantity, names: evaluation.names(), bodies, real: Vec::new() }
    };
    let parts = Quantity::ALL.map(part);
    let outcome = Outcome::new(&parts, 1).unwrap();
    let error = |row: usize| outcome.rows[row].error.unwrap().mean;
    println!("{}", outcome.markdown());
    // Noise: constant, fit; rotation: constant, asymmetry, network, all on cases that were learned from.
    assert!(error(1) < 0.4 * error(0), "{} {}", error(1), error(0));
    assert!(error(9) < 0.5 * error(8) && error(10) < 0.5 * error(8), "{} {} {}", error(8), error(9), error(10));
    let odd = outcome.statements.iter().find(|s| s.text.contains("mirror images")).unwrap();
    assert_eq!(odd.verdict, "yes");
}
