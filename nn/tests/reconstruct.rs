//! Learned Primal-Dual: it learns, comes out the same on any number of threads, and knows its scan.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "common/weights.rs"]
mod weights;

use burn::tensor::Device;
use kerma::{
    data::{Projections, Unit},
    engine,
};
use kerma_nn::{
    Error, Precision,
    reconstruct::{Bodies, Body, Model, Recipe, Reconstructor},
    training::{System, Trainer},
};
use weights::bits;

/// A training of seconds.
const RECIPE: &str = r#"
task = "reconstruct"
name = "tiny"
seed = 3
grid = "24x16x1@17x17x17"
[scan]
kind = "fan"
source_isocentre_mm = 600.0
source_detector_mm = 1000.0
views = 9
detector = [28, 1]
pitch_mm = [27.0, 27.0]
[network]
iterations = 3
memory = 3
width = 8
[data]
seed = 1
bodies = 120
photons = 1e5
[training]
batch = 4
steps = 200
learning_rate = 5e-3
shape = "cosine"
warm_up = 5
weight_decay = 0.0
clip = 1.0
mean_decay = 0.9
checkpoint = 10
"#;

fn recipe() -> Recipe {
    Recipe::from_toml(RECIPE).unwrap()
}

fn trained(recipe: Recipe, steps: usize) -> Trainer<Recipe> {
    let engine = engine::Device::cpu();
    let bodies = Bodies::draw(&recipe, &engine).unwrap();
    let mut trainer = Trainer::new(recipe, &Device::flex()).unwrap();
    for _ in 0..steps {
        pollster::block_on(trainer.step(&bodies, &engine)).unwrap();
    }
    trainer
}

#[test]
fn a_training_lowers_its_loss_more_where_the_operators_are_those_of_the_scan() {
    let last = |recipe: Recipe| {
        let trainer = trained(recipe, 200);
        trainer.losses()[180..].iter().sum::<f32>() / 20.0
    };
    let [mut still, mut shuffled] = [recipe(), recipe()];
    still.training.learning_rate = 1e-9;
    shuffled.shuffled_operators = true;
    let [own, still, shuffled] = [recipe(), still, shuffled].map(last);
    println!("{own} {still} {shuffled}");
    assert!(own < 0.5 * still, "{own} {still}");
    assert!(own < 0.9 * shuffled, "{own} {shuffled}");
}

#[test]
fn a_training_has_the_same_bits_on_any_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let trainer = trained(recipe(), 4);
            (trainer.losses().to_vec(), bits(trainer.mean()))
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(3));
    // The control: another seed is another training.
    let mut other = recipe();
    other.seed = 4;
    assert!(trained(other, 4).losses() != one.0);
}

#[test]
fn bodies_come_again_and_are_those_of_their_seed_and_number() {
    let recipe = recipe();
    let (geometry, grid) = (recipe.geometry().unwrap(), recipe.grid().unwrap());
    let drawn = |seed: u64, bodies: usize| {
        let mut data = recipe.data.clone();
        (data.seed, data.bodies) = (seed, bodies);
        Body::all(&data, &geometry, &grid).unwrap()
    };
    let all = drawn(1, 6);
    assert_eq!(drawn(1, 3), all[..3]);
    assert!((1..6).all(|i| all[i] != all[0]) && drawn(2, 1)[0] != all[0]);
    for body in &all {
        // An adult's slice: some 20 to 70 % of the grid is body, and the longest way through it is some mean free paths.
        let share = body.truth.iter().filter(|v| **v > 0.0025).count() as f64 / body.truth.len() as f64;
        let longest = body.integrals.iter().copied().fold(0.0, f32::max);
        assert!((0.2..0.7).contains(&share) && (2.0..15.0).contains(&longest), "{share} {longest}");
    }
}

#[test]
fn a_model_reconstructs_with_the_bits_it_was_written_with_and_no_other_scan() {
    let engine = engine::Device::cpu();
    let trainer = trained(recipe(), 2);
    let mut model = Model::new(trainer.card(String::new()), trainer.mean().clone());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.safetensors");
    model.save(&path, Precision::Single).unwrap();
    let recipe = recipe();
    let geometry = recipe.geometry().unwrap();
    let body = Body::all(&recipe.data, &geometry, &recipe.grid().unwrap()).unwrap().remove(0);
    let stack = |views: usize, values: Vec<f32>| {
        Projections::new(views, [28, 1], [27.0; 2], Unit::LineIntegral, values).unwrap()
    };
    let own = stack(9, body.integrals.clone());
    let in_memory = Reconstructor::new(model, &engine, &Device::flex()).unwrap().run(&own).unwrap();
    let read = Reconstructor::load(&path, &engine, &Device::flex()).unwrap();
    let slice = read.run(&own).unwrap();
    assert!(slice == in_memory && slice.grid().size() == [24, 16, 1]);
    let message = read.run(&stack(8, body.integrals[..8 * 28].to_vec())).unwrap_err().to_string();
    assert_eq!(message, "must have 9 views of 28 × 1 pixels, got 8 views of 28 × 1");
    let wide = Projections::new(9, [28, 1], [28.0; 2], Unit::LineIntegral, body.integrals.clone()).unwrap();
    let message = read.run(&wide).unwrap_err().to_string();
    assert_eq!(message, "must have a pitch of 27 × 27 mm, got 28 × 28 mm");
    let mut broken = body.integrals;
    broken[5] = f32::NAN;
    assert!(matches!(read.run(&stack(9, broken)), Err(Error::Image(_))));
}

#[test]
fn recipes_are_refused_with_the_place_and_what_is_allowed() {
    let refused = |from: &str, to: &str, message: &str| {
        assert!(RECIPE.contains(from), "{from}");
        let error = Recipe::from_toml(&RECIPE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    };
    refused("24x16x1@17x17x17", "24x16x2@17x17x17", "grid must have one slice, got 2");
    refused("24x16x1@17x17x17", "24 by 16", "grid: ");
    refused("detector = [28, 1]", "detector = [28, 2]", "scan: detector rows of a fan must be 1, got 2");
    let cone = "kind = \"cone-circular\"\nsource_isocentre_mm = 600.0\nsource_detector_mm = 1000.0\nviews = 9\ndetector = [28, 2]";
    let fan = cone.replace("cone-circular", "fan").replace("[28, 2]", "[28, 1]");
    refused(&fan, cone, "scan: the detector must have one row, got 2");
    refused("memory = 3", "memory = 1", "network: memory must be 2 to 64, got 1");
    refused("photons = 1e5", "photons = 0.0", "data.photons must be 1 to 8000000, got 0");
    refused("bodies = 120", "bodies = 0", "data.bodies must be 1 to 100000, got 0");
    refused("task = \"reconstruct\"", "task = \"improve\"", "task must be \"reconstruct\"");
    refused("batch = 4", "batch = 0", "training.batch must be at least 1, got 0");
}
