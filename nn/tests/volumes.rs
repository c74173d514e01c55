//! Trainings on volumes, of networks that improve reconstructions and of those that find nodules: they learn, come out the same
//! twice, resume to the bit, and say what is wrong with their cases.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "common/weights.rs"]
mod weights;

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use glam::{DMat3, DVec3};
use kerma::{
    data::{Grid, Unit, Volume},
    engine,
    io::write_volume,
};
use kerma_nn::{
    Card, Error, Model, Precision, Start,
    improve::{self, ErrorKind, Improver},
    segment::{self, Segmenter, Slices, StartOptions},
    training::{System, Trainer},
    volumes::{Fitted, Input, Within},
};
use tempfile::TempDir;
use weights::bits;

const SIZE: [usize; 3] = [16, 8, 12];
const SPACING_MM: [f64; 3] = [3.0, 4.0, 3.0];
/// Centres of the nodule of each case, in voxels along (x, y, z).
const NODULES: [[f64; 3]; 3] = [[4.0, 2.0, 4.0], [11.0, 5.0, 7.0], [7.0, 4.0, 8.0]];
const RADIUS_MM: f64 = 6.5;

fn grid(spacing_mm: [f64; 3]) -> Grid {
    Grid::centred(SIZE, spacing_mm).unwrap()
}

/// Lung of −800 HU with rough texture and a nodule of 0 HU, what was reconstructed of it, and where the nodule is.
fn case(index: usize, spacing_mm: [f64; 3]) -> [Volume; 3] {
    let grid = grid(spacing_mm);
    let centre = grid.world_mm(DVec3::from_array(NODULES[index]));
    let place = |at: usize| DVec3::new((at % 16) as f64, (at / 16 % 8) as f64, (at / 128) as f64);
    let is_nodule = |at: usize| grid.world_mm(place(at)).distance(centre) < RADIUS_MM;
    let volume = |unit, of: &dyn Fn(usize) -> f64| {
        Volume::new(grid, unit, (0..grid.voxel_count()).map(|at| of(at) as f32).collect()).unwrap()
    };
    let rough = |at: usize| 40.0 * ((at * 37 + index * 11) % 19) as f64 / 19.0;
    let stripes = |at: usize| if (at / 128).is_multiple_of(2) { 100.0 } else { -100.0 };
    let hu = |at: usize| if is_nodule(at) { 0.0 } else { -800.0 + rough(at) };
    let truth = volume(Unit::Hounsfield, &hu);
    let reconstruction = volume(Unit::PerMillimetre, &|at| (hu(at) + 1000.0 + stripes(at)) / 50_000.0);
    [truth, reconstruction, volume(Unit::Arbitrary, &|at| f64::from(u8::from(is_nodule(at))))]
}

fn put(folder: &Path, [truth, reconstruction, nodules]: &[Volume; 3]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("run.json"), "{}").unwrap();
    for (name, volume) in [("truth", truth), ("reconstruction", reconstruction), ("nodules", nodules)] {
        write_volume(folder.join(format!("{name}.nii.gz")), volume).unwrap();
    }
}

/// A folder of three cases.
fn cases() -> TempDir {
    let folder = TempDir::new().unwrap();
    (0..3).for_each(|index| put(&folder.path().join(format!("case-{index}")), &case(index, SPACING_MM)));
    folder
}

const TRAINING: &str = r#"
    [training]
    batch = 4
    steps = 40
    learning_rate = 1e-2
    shape = "cosine"
    warm_up = 4
    weight_decay = 0.01
    clip = 1.0
    mean_decay = 0.9
    checkpoint = 10
"#;

const NETWORK: &str = r#"
    conditioned = false
    fold = 1
    base = 8
    multipliers = [1, 2]
    blocks = 1
    groups = 4
    attention = false
"#;

fn improve(folder: &Path) -> improve::Recipe {
    let cases = folder.display();
    let text = format!(
        "task = 'improve'\nname = 'like-ct'\nseed = 3\npieces = 'coronal'\n[network]\nkind = 'unet'\n{NETWORK}\n[data]\n\
         cases = ['{cases}']\nmirror = true\n[loss]\ngradients = 0.5\n{TRAINING}"
    );
    improve::Recipe::from_toml(&text).unwrap()
}

fn segment(folder: &Path, volume: &str) -> segment::Recipe {
    let cases = folder.display();
    let text = format!(
        "task = 'segment'\nname = 'nodules'\nseed = 3\n[network]\ninputs = 3\n{NETWORK}\n[data]\ncases = ['{cases}']\n\
         volume = '{volume}'\nmirror = true\n[loss]\nnodule_weight = 1.0\n{TRAINING}"
    );
    segment::Recipe::from_toml(&text).unwrap()
}

/// A kind of system that learns from cases.
trait OnCases: System {
    fn of(folder: &Path) -> Self;
    fn data(&mut self) -> Result<Self::Data, Error>;
    fn training_mut(&mut self) -> &mut kerma_nn::training::TrainingOptions;
    fn cases_mut(&mut self) -> &mut Vec<PathBuf>;

    /// A training and its data.
    fn opened(mut self) -> (Trainer<Self>, Self::Data) {
        let data = self.data().unwrap();
        (Trainer::new(self, &Device::flex()).unwrap(), data)
    }
}

macro_rules! on_cases {
    ($recipe:ty, $of:expr, $data:expr) => {
        impl OnCases for $recipe {
            fn of(folder: &Path) -> Self {
                $of(folder)
            }
            fn data(&mut self) -> Result<Self::Data, Error> {
                $data(self, None)
            }
            fn training_mut(&mut self) -> &mut kerma_nn::training::TrainingOptions {
                &mut self.training
            }
            fn cases_mut(&mut self) -> &mut Vec<PathBuf> {
                &mut self.data.cases
            }
        }
    };
}
on_cases!(improve::Recipe, improve, improve::Pairs::open);
on_cases!(segment::Recipe, |folder| segment(folder, "reconstruction"), Slices::open);

fn run<S: System>(trainer: &mut Trainer<S>, data: &S::Data, steps: usize) {
    for _ in 0..steps {
        pollster::block_on(trainer.step(data, &engine::Device::cpu())).unwrap();
    }
}

/// Bits of the weights after so many steps.
fn trained<S: OnCases>(recipe: S, steps: usize) -> Vec<u32> {
    let (mut trainer, data) = recipe.opened();
    run(&mut trainer, &data, steps);
    bits(trainer.mean())
}

/// Mean loss of the last ten of 40 steps.
fn late_loss<S: OnCases>(recipe: S) -> f32 {
    let (mut trainer, data) = recipe.opened();
    run(&mut trainer, &data, 40);
    trainer.losses()[30..].iter().sum::<f32>() / 10.0
}

fn learns<S: OnCases>(folder: &Path) {
    let mut still = S::of(folder);
    still.training_mut().learning_rate = 1e-9;
    let (learning, still) = (late_loss(S::of(folder)), late_loss(still));
    println!("{}: {learning} {still}", S::TASK);
    assert!(learning < 0.7 * still, "{}: {learning} {still}", S::TASK);
}

#[test]
fn the_loss_falls() {
    let folder = cases();
    learns::<improve::Recipe>(folder.path());
    learns::<segment::Recipe>(folder.path());
}

/// The first loss of a network whose output is still 0, of bodies that are the same in every coronal slice and reconstructions that
/// are 70 HU too dense in the 12 of 192 pixels of a nodule and 14 elsewhere: of 1400 HU, 0.05 and 0.01.
#[test]
fn voxels_of_nodules_count_more_in_the_error() {
    let folder = TempDir::new().unwrap();
    let is_nodule = |at: usize| (4..8).contains(&(at % 16)) && (5..8).contains(&(at / 128));
    let volume = |unit, of: &dyn Fn(usize) -> f32| {
        let grid = grid(SPACING_MM);
        Volume::new(grid, unit, (0..grid.voxel_count()).map(of).collect()).unwrap()
    };
    let truth = volume(Unit::Hounsfield, &|_| -800.0);
    let poor = volume(Unit::PerMillimetre, &|at| (if is_nodule(at) { -730.0 } else { -786.0 } + 1000.0) / 50_000.0);
    put(&folder.path().join("case"), &[truth, poor, volume(Unit::Arbitrary, &|at| f32::from(u8::from(is_nodule(at))))]);
    let first_loss = |error, nodule_weight| {
        let mut recipe = improve(folder.path());
        recipe.loss = improve::LossOptions { error, gradients: 0.0, nodule_weight };
        let unit = "mm⁻¹".to_owned();
        let known = Fitted { unit, gain_hu: 5e4, offset_hu: -1000.0, spacing_mm: SPACING_MM, after_sha256: None };
        recipe.fitted = Some(known);
        let (mut trainer, data) = recipe.opened();
        run(&mut trainer, &data, 1);
        f64::from(trainer.losses()[0])
    };
    for weight in [1.0, 9.0] {
        let mean = |power: i32| (12.0 * weight * 0.05_f64.powi(power) + 180.0 * 0.01_f64.powi(power)) / 192.0;
        for (error, want) in [(ErrorKind::Absolute, mean(1)), (ErrorKind::Squared, mean(2).sqrt())] {
            let got = first_loss(error, weight);
            assert!((got - want).abs() < 1e-5 * want.max(0.1), "{error:?} {weight}: {got} {want}");
        }
    }
}

fn resumes<S: OnCases>(folder: &Path) {
    let (mut whole, data) = S::of(folder).opened();
    run(&mut whole, &data, 5);
    let (mut first, data) = S::of(folder).opened();
    run(&mut first, &data, 3);
    let checkpoint = folder.join(format!("{}.checkpoint", S::TASK));
    first.save(&checkpoint).unwrap();
    let (second, data) = S::of(folder).opened();
    let mut second = second.resume(&checkpoint).unwrap();
    assert_eq!(second.step_count(), 3);
    run(&mut second, &data, 2);
    assert_eq!(whole.losses(), second.losses());
    assert!(bits(whole.mean()) == bits(second.mean()), "{}: other weights", S::TASK);
    assert!(bits(whole.mean()) != bits(first.mean()), "the control: two steps change the weights");
}

#[test]
fn a_resumed_training_gives_the_bits_of_one_without_a_stop() {
    let folder = cases();
    resumes::<improve::Recipe>(folder.path());
    resumes::<segment::Recipe>(folder.path());
}

fn repeats<S: OnCases + Send>(folder: &Path) {
    let alone = [0, 3].map(|steps| trained(S::of(folder), steps));
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let again = pool.install(|| [0, 3].map(|steps| trained(S::of(folder), steps)));
        assert!(again == alone, "{}: other weights on {threads} threads", S::TASK);
    }
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let beside = [0, 3].map(|steps| trained(S::of(folder), steps));
                assert!(beside == alone, "{}: other weights beside another training", S::TASK);
            });
        }
    });
    // The control: one step more is another network.
    assert!(trained(S::of(folder), 4) != alone[1]);
}

#[test]
fn weights_are_the_same_on_any_threads_and_beside_other_trainings() {
    let folder = cases();
    repeats::<improve::Recipe>(folder.path());
    repeats::<segment::Recipe>(folder.path());
    let other = segment::Recipe { seed: 4, ..segment(folder.path(), "reconstruction") };
    assert!(trained(other, 0) != trained(segment(folder.path(), "reconstruction"), 0), "the control: another seed");
}

/// The one line that a training with such cases ends with.
fn refusal<S: OnCases>(folder: &Path) -> String {
    let error = S::of(folder).data().err().unwrap().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn cases_that_do_not_fit_are_refused_by_name() {
    let refused_by_both = |folder: &Path, words: &str| {
        // The last case is read last: by the fit of both, or by a step.
        let of_step = |mut recipe: segment::Recipe| {
            let data = recipe.data()?;
            let mut trainer = Trainer::new(recipe, &Device::flex())?;
            for _ in 0..8 {
                pollster::block_on(trainer.step(&data, &engine::Device::cpu()))?;
            }
            Ok::<_, Error>(())
        };
        let improve = improve(folder).data().err();
        let segment = of_step(segment(folder, "truth")).err().unwrap().to_string();
        for message in improve.map(|e| e.to_string()).into_iter().chain([segment]) {
            assert!(message.contains(words) && message.lines().count() == 1, "{message}");
        }
    };
    let folder = cases();
    let last = folder.path().join("case-2");
    fs::remove_file(last.join("truth.nii.gz")).unwrap();
    refused_by_both(folder.path(), "case-2/truth.nii.gz");
    let [truth, reconstruction, nodules] = case(2, SPACING_MM);
    put(&last, &[truth.with_unit(Unit::PerMillimetre), reconstruction.clone(), nodules.clone()]);
    refused_by_both(folder.path(), "case-2: truth.nii.gz must be in HU, got mm⁻¹");
    let mut holed = case(2, SPACING_MM);
    holed[0].values_mut()[5] = f32::NAN;
    put(&last, &holed);
    refused_by_both(folder.path(), "case-2/truth.nii.gz: 1 of the values of the volume are not finite");
    put(&last, &case(2, [3.0, 4.0, 3.5]));
    refused_by_both(folder.path(), "case-2: voxels must measure [3.0, 4.0, 3.0] mm as those of the first case");
    let of_improving = || {
        let (mut trainer, pairs) = improve(folder.path()).opened();
        let step = |_| pollster::block_on(trainer.step(&pairs, &engine::Device::cpu())).err();
        (0..8).find_map(step).unwrap().to_string()
    };
    let mut segment = segment(folder.path(), "truth");
    let spacing = of_improving();
    assert!(spacing.contains("case-2: voxels must measure [3.0, 4.0, 3.0] mm as those of the first case"), "{spacing}");
    let [truth, reconstruction, _] = case(2, SPACING_MM);
    let few = Volume::zeros(Grid::centred([4; 3], SPACING_MM).unwrap(), Unit::Arbitrary);
    put(&last, &[truth, reconstruction, few]);
    let labels = of_improving();
    assert!(labels.contains("case-2: the nodules of") && labels.contains("must lie on"), "{labels}");

    fs::remove_file(last.join("nodules.nii.gz")).unwrap();
    assert!(refusal::<segment::Recipe>(folder.path()).contains("case-2: has no nodules.nii.gz"));
    *segment.cases_mut() = vec![folder.path().join("case-0")];
    segment.data.shuffled_labels = true;
    let alone = segment.data().err().unwrap().to_string();
    assert!(alone.contains("data.shuffled_labels needs two cases or more"), "{alone}");
}

#[test]
fn bodies_without_any_nodule_teach_improving_and_not_finding() {
    let folder = TempDir::new().unwrap();
    let [truth, reconstruction, nodules] = case(0, SPACING_MM);
    let none = Volume::zeros(*nodules.grid(), Unit::Arbitrary);
    put(&folder.path().join("case"), &[truth, reconstruction, none]);
    assert!(refusal::<segment::Recipe>(folder.path()).contains("no voxel of any case belongs to a nodule"));
    assert!(trained(improve(folder.path()), 2) != trained(improve(folder.path()), 0));
}

/// A trained model of nodules and the folder that it is in.
fn model(recipe: segment::Recipe, steps: usize) -> (TempDir, segment::Model) {
    let (mut trainer, data) = recipe.opened();
    run(&mut trainer, &data, steps);
    let folder = TempDir::new().unwrap();
    let mut model = Model::new(trainer.card("a test".to_owned()), trainer.mean().clone());
    model.save(&folder.path().join("nodules.safetensors"), Precision::Single).unwrap();
    (folder, model)
}

/// Mean probability in the nodule, and elsewhere.
fn means(probability: &Volume, nodule: &Volume) -> [f64; 2] {
    [1.0, 0.0].map(|label| {
        let inside = probability.values().iter().zip(nodule.values()).filter(|(_, is)| **is == label);
        let inside: Vec<f64> = inside.map(|(p, _)| f64::from(*p)).collect();
        inside.iter().sum::<f64>() / inside.len() as f64
    })
}

#[test]
fn nodules_are_found_on_the_grid_of_the_volume() {
    let folder = cases();
    let mut recipe = segment(folder.path(), "truth");
    (recipe.training.steps, recipe.training.mean_decay) = (120, 0.8);
    let (models, _) = model(recipe.clone(), 120);
    let segmenter = Segmenter::load(&models.path().join("nodules.safetensors"), &Device::flex()).unwrap();
    assert_eq!((segmenter.unit(), segmenter.threshold()), ("HU", 0.5));
    let [truth, reconstruction, nodule] = case(1, SPACING_MM);
    let found = segmenter.run(&truth, &mut |_| Ok(())).unwrap();
    let [inside, outside] = means(&found, &nodule);
    println!("probability {inside} in the nodule, {outside} elsewhere");
    assert!(inside > 0.6 && outside < 0.2 && found.grid() == truth.grid(), "{inside} {outside}");
    assert!(found.values().iter().all(|p| (0.0..=1.0).contains(p)));

    // Turned, moved, with finer voxels: it is found in the same place of the world.
    let turn = DMat3::from_rotation_z(0.3);
    let other = Grid::new([22, 18, 16], [2.0, 2.0, 2.5], [0.0; 3], turn).unwrap().with_centre(DVec3::ZERO);
    let [truth, nodule] = [&truth, &nodule].map(|volume| volume.resampled(&other).unwrap());
    assert_eq!(segmenter.own_grid(&truth), Some(SPACING_MM));
    let found = segmenter.run(&truth, &mut |_| Ok(())).unwrap();
    let nodule = Volume::new(other, Unit::Arbitrary, nodule.values().iter().map(|v| v.round()).collect()).unwrap();
    let [inside, outside] = means(&found, &nodule);
    assert!(inside > 0.5 && outside < 0.25 && found.grid() == &other, "{inside} {outside}");

    let mut holed = truth.clone();
    holed.values_mut()[7] = f32::NAN;
    for (volume, want) in [
        (reconstruction, "the network knows volumes in HU, this one is in mm⁻¹"),
        (holed, "1 of the values of the volume are not finite, the first at index 7"),
    ] {
        assert_eq!(segmenter.run(&volume, &mut |_| Ok(())).unwrap_err().to_string(), want);
    }
    // With the labels of other cases nothing is there to be learned.
    recipe.data.shuffled_labels = true;
    let (models, _) = model(recipe, 120);
    let segmenter = Segmenter::load(&models.path().join("nodules.safetensors"), &Device::flex()).unwrap();
    let [truth, _, nodule] = case(1, SPACING_MM);
    let [shuffled, _] = means(&segmenter.run(&truth, &mut |_| Ok(())).unwrap(), &nodule);
    assert!(shuffled < 0.5, "the control: {shuffled}");
}

/// A trunk of soft tissue with two lungs, in one of which is a nodule: the CT and its labels.
fn chest(index: usize) -> [Volume; 3] {
    let grid: Grid = "40x28x20@6x6x6".parse().unwrap();
    let nodule = DVec3::new([-55.0, 50.0, -45.0][index], [0.0, 12.0, -12.0][index], [10.0, -12.0, 0.0][index]);
    let place = |at: usize| grid.world_mm(DVec3::new((at % 40) as f64, (at / 40 % 28) as f64, (at / 1120) as f64));
    let is_nodule = |at: usize| place(at).distance(nodule) < 10.0;
    let hu = |at: usize| {
        let p = place(at);
        let ellipse = |x: f64, a: f64, b: f64| ((p.x - x) / a).powi(2) + (p.y / b).powi(2) < 1.0;
        match () {
            () if is_nodule(at) => 0.0,
            () if p.z.abs() < 45.0 && (ellipse(-52.0, 36.0, 50.0) || ellipse(52.0, 36.0, 50.0)) => -800.0,
            () if ellipse(0.0, 108.0, 72.0) => 40.0,
            () => -1000.0,
        }
    };
    let volume =
        |unit, of: &dyn Fn(usize) -> f32| Volume::new(grid, unit, (0..grid.voxel_count()).map(of).collect()).unwrap();
    let [truth, labels] = [
        volume(Unit::Hounsfield, &|at| hu(at) as f32),
        volume(Unit::Arbitrary, &|at| f32::from(u8::from(is_nodule(at)))),
    ];
    [truth.clone(), truth, labels]
}

#[test]
fn pieces_of_the_lungs_are_learned_from_and_looked_at() {
    let folder = TempDir::new().unwrap();
    (0..3).for_each(|index| put(&folder.path().join(format!("case-{index}")), &chest(index)));
    let mut recipe = segment(folder.path(), "truth");
    (recipe.data.within, recipe.data.patch) = (Some(Within::Lungs), Some(12));
    (recipe.training.steps, recipe.training.mean_decay) = (120, 0.8);
    assert!(trained(recipe.clone(), 3) == trained(recipe.clone(), 3));
    let (models, _) = model(recipe.clone(), 120);
    let segmenter = Segmenter::load(&models.path().join("nodules.safetensors"), &Device::flex()).unwrap();
    let [truth, _, nodule] = chest(1);
    let found = segmenter.run(&truth, &mut |_| Ok(())).unwrap();
    let [inside, outside] = means(&found, &nodule);
    println!("probability {inside} in the nodule, {outside} elsewhere");
    assert!(inside > 0.5 && outside < 0.1 && found.grid() == truth.grid(), "{inside} {outside}");
    // The lungs reach to 88 mm at the sides, a centimetre more is looked at.
    let at = |p: DVec3| {
        let [x, y, z] = truth.grid().index_of(p).to_array().map(|i| i.round() as usize);
        found.values()[(z * 28 + y) * 40 + x]
    };
    assert!(at(DVec3::new(-90.0, 0.0, 0.0)) > 0.0 && at(DVec3::new(-105.0, 0.0, 0.0)) == 0.0);

    let mut solid = truth.clone();
    solid.values_mut().iter_mut().filter(|hu| **hu == -800.0).for_each(|hu| *hu = 40.0);
    let message = segmenter.run(&solid, &mut |_| Ok(())).unwrap_err().to_string();
    assert!(message.contains("lungs"), "{message}");
    recipe.data.volume = Input::Reconstruction;
    let message = recipe.check().unwrap_err().to_string();
    assert!(message.contains("data.within is a part of CTs"), "{message}");
    (recipe.data.volume, recipe.data.patch) = (Input::Truth, Some(7));
    let message = recipe.check().unwrap_err().to_string();
    assert!(message.contains("data.patch must be a multiple of 2, got 7"), "{message}");
}

#[test]
fn networks_find_nodules_in_what_another_has_improved() {
    let folder = cases();
    let (mut trainer, data) = improve(folder.path()).opened();
    run(&mut trainer, &data, 2);
    let models = TempDir::new().unwrap();
    let mut before = Model::new(trainer.card(String::new()), trainer.mean().clone());
    before.save(&models.path().join("like-ct.safetensors"), Precision::Single).unwrap();

    let mut recipe = segment(folder.path(), "reconstruction");
    recipe.data.after = Some("like-ct.safetensors".into());
    let before = recipe.before(models.path(), &Device::flex()).unwrap();
    let data = Slices::open(&mut recipe, before).unwrap();
    let mut trainer = Trainer::new(recipe.clone(), &Device::flex()).unwrap();
    run(&mut trainer, &data, 2);
    let path = models.path().join("nodules.safetensors");
    Model::new(trainer.card(String::new()), trainer.mean().clone()).save(&path, Precision::Single).unwrap();
    let segmenter = Segmenter::load(&path, &Device::flex()).unwrap();
    assert_eq!(segmenter.unit(), "mm⁻¹");
    let [_, reconstruction, _] = case(0, SPACING_MM);
    let found = segmenter.run(&reconstruction, &mut |_| Ok(())).unwrap();
    let improver = Improver::load(&models.path().join("like-ct.safetensors"), &Device::flex()).unwrap();
    let seen = improver.run(&reconstruction, &mut |_| Ok(())).unwrap();
    let direct = Model::new(
        Card {
            recipe: segment::Recipe {
                data: segment::DataOptions { after: None, ..recipe.data.clone() },
                fitted: Some(Fitted { after_sha256: None, ..recipe.fitted.clone().unwrap() }),
                ..recipe.clone()
            },
            ..trainer.card(String::new())
        },
        trainer.mean().clone(),
    );
    let direct = Segmenter::new(direct, None, &Device::flex()).unwrap().run(&seen, &mut |_| Ok(())).unwrap();
    assert!(found == direct);
    // On a volume of another kind it is asked in HU.
    let segmenter = Segmenter::load(&path, &Device::flex()).unwrap();
    let lungs = Volume::zeros(*seen.grid(), Unit::Arbitrary); // not looked at: the network is not bound to them
    assert!(segmenter.run_on_hu(&segmenter.calibrated(&seen).unwrap(), &lungs, &mut |_| Ok(())).unwrap() == direct);
    assert!(segmenter.run_on_hu(&reconstruction, &lungs, &mut |_| Ok(())).is_err());

    // Another model under the name is not the one of the training.
    let (mut other, data) = improve(folder.path()).opened();
    run(&mut other, &data, 3);
    let mut other = Model::new(other.card(String::new()), other.mean().clone());
    other.save(&models.path().join("like-ct.safetensors"), Precision::Single).unwrap();
    let message = Segmenter::load(&path, &Device::flex()).err().unwrap().to_string();
    assert!(message.contains("like-ct.safetensors before it is another model than in its training"), "{message}");
}

#[test]
fn a_training_goes_on_from_another_model_with_a_slower_encoder() {
    let folder = cases();
    let (models, first) = model(segment(folder.path(), "truth"), 3);
    let start = |encoder_rate| {
        let mut recipe = segment(folder.path(), "reconstruction");
        recipe.start = Some(StartOptions { model: "nodules.safetensors".into(), encoder_rate, sha256: None });
        let network = recipe.started(models.path(), &Device::flex()).unwrap().unwrap();
        assert_eq!(recipe.start.as_ref().unwrap().sha256.as_ref(), Some(&first.card().sha256));
        let data = recipe.data().unwrap();
        (Trainer::from_weights(recipe, network, &Device::flex()).unwrap(), data)
    };
    let (mut whole, data) = start(0.1);
    assert!(bits(whole.mean()) == bits(first.network()), "it begins with the weights of the other");
    assert_eq!(whole.card(String::new()).start, Start::Model);
    run(&mut whole, &data, 4);
    // A step and a resumption later, the bits are the same.
    let (mut half, data) = start(0.1);
    run(&mut half, &data, 2);
    half.save(&models.path().join("checkpoint")).unwrap();
    let (again, data) = start(0.1);
    let mut again = again.resume(&models.path().join("checkpoint")).unwrap();
    run(&mut again, &data, 2);
    assert!(bits(whole.mean()) == bits(again.mean()));

    // Weights come in the order of the network: entry and the way down first, the exit last.
    let change = |encoder_rate: f64| {
        let (mut trainer, data) = start(encoder_rate);
        run(&mut trainer, &data, 1);
        let (before, after) = (bits(first.network()), bits(trainer.mean()));
        let moved = |at: usize| f64::from(f32::from_bits(before[at]) - f32::from_bits(after[at])).abs();
        let entry = (0..100).map(moved).sum::<f64>();
        let exit = (before.len() - 50..before.len()).map(moved).sum::<f64>();
        [entry, exit]
    };
    let [still, slow, fast] = [0.0, 0.1, 1.0].map(change);
    // The mean of equal weights is theirs to a rounding.
    assert!(still[0] < 1e-3 * fast[0] && still[1] > 0.0, "{still:?} {fast:?}");
    assert!((slow[0] / fast[0] - 0.1).abs() < 0.01 && (slow[1] / fast[1] - 1.0).abs() < 1e-6, "{slow:?} {fast:?}");

    let mut other = segment(folder.path(), "reconstruction");
    other.network.base = 16;
    other.start = Some(StartOptions { model: "nodules.safetensors".into(), encoder_rate: 0.1, sha256: None });
    let message = other.started(models.path(), &Device::flex()).err().unwrap().to_string();
    assert!(message.contains("nodules.safetensors has another network"), "{message}");
}

#[test]
fn recipes_are_refused_by_name_value_and_range() {
    let folder = TempDir::new().unwrap();
    let usual = toml::to_string(&segment(folder.path(), "truth")).unwrap();
    for (from, to, want) in [
        ("task = \"segment\"", "task = \"improve\"", "task must be \"segment\", got \"improve\""),
        ("plane = \"coronal\"", "plane = { patch = 8 }", "plane must be axial, coronal or sagittal"),
        ("inputs = 3", "inputs = 2", "inputs must be odd and outputs 1, got 2 and 1"),
        ("conditioned = false", "conditioned = true", "conditioned must be false"),
        ("volume = \"truth\"", "volume = \"noise\"", "unknown variant `noise`"),
        ("volume = \"truth\"", "volume = \"truth\"\nafter = \"x\"", "data.volume must be \"reconstruction\""),
        ("nodule_weight = 1.0", "nodule_weight = 0.0", "loss.nodule_weight must be 1 to 10000, got 0"),
        ("[training]", "[start]\nmodel = \"x\"\nencoder_rate = 2.0\n[training]", "start.encoder_rate must be 0 to 1"),
    ] {
        assert!(usual.contains(from), "{from} not in {usual}");
        let message = segment::Recipe::from_toml(&usual.replace(from, to)).unwrap_err().to_string();
        assert!(message.contains(want), "{message}");
    }
}
