//! Model files: what is written is read again, and whatever is wrong with a file is said.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{fs, path::Path};

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, Distribution, Tensor},
};
use kerma_nn::{
    Precision,
    denoise::{Card, Model, training::Recipe},
    networks::{Fresh, Unet},
    training::System,
};
use sha2::{Digest, Sha256};

fn recipe() -> Recipe {
    Recipe::from_toml(include_str!("../../recipes/ddpm-x.toml")).unwrap()
}

/// A small untrained model.
fn model() -> Model {
    let mut recipe = recipe();
    (recipe.network.base, recipe.network.blocks) = (8, 1);
    let network = Unet::new(&recipe.network, &Fresh::new(1, &Device::flex()));
    Model::new(Card::new(recipe, &[0.5, 0.25], 1.0, "a test".to_owned()), network)
}

fn output(network: &Unet) -> Vec<f32> {
    let device = Device::flex();
    let x = Tensor::<4>::ones([1, 1, 16, 16], &device) * 0.3;
    network.forward(x, Some(Tensor::from_floats([-2.0], &device))).into_data().try_to_vec().unwrap()
}

#[test]
fn a_model_comes_back_with_its_card_and_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let mut model = model();
    model.save(&path, Precision::Single).unwrap();
    let read = Model::load(&path, &Device::flex()).unwrap();
    assert_eq!(read.card(), model.card());
    assert_eq!(output(read.network()), output(model.network()));
    let card: Card = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
    assert_eq!(&card, model.card());
}

fn refusal(bytes: &[u8]) -> String {
    Model::from_bytes(bytes, Path::new("m.safetensors"), &Device::flex()).err().unwrap().to_string()
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    model().save(&path, Precision::Single).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        let message = refusal(&whole[..length]);
        assert!(message.starts_with("m.safetensors: not a complete safetensors file"), "{length}: {message}");
    }
    let mut flipped = whole.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    assert!(refusal(&flipped).contains("damaged"), "{}", refusal(&flipped));
    // The control: the whole file is read.
    assert!(Model::from_bytes(&whole, &path, &Device::flex()).is_ok());
}

/// The header of a file as version 1 wrote it: its hash is that of the weights alone.
fn first_version(header: &str, weights: &[u8]) -> String {
    const HASH: &str = r#"\"sha256\": \""#;
    let start = header.find(HASH).unwrap() + HASH.len();
    let hash: String = Sha256::digest(weights).iter().map(|byte| format!("{byte:02x}")).collect();
    let header = format!("{}{hash}{}", &header[..start], &header[start + hash.len()..]);
    header.replacen(r#"\"version\": 2"#, r#"\"version\": 1"#, 1)
}

#[test]
fn files_of_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    model().save(&path, Precision::Single).unwrap();
    let whole = fs::read(&path).unwrap();
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let (header, weights) = (std::str::from_utf8(&whole[8..8 + length]).unwrap(), &whole[8 + length..]);
    let with_header = |header: &str| [&(header.len() as u64).to_le_bytes(), header.as_bytes(), weights].concat();
    let changed = |header: &str, from: &str, to: &str| {
        assert!(header.contains(from), "{from}");
        with_header(&header.replacen(from, to, 1))
    };
    // Of the version whose hash was that of the weights alone, so that what stands in the card is looked at.
    let first = first_version(header, weights);
    let replaced = |from: &str, to: &str| refusal(&changed(&first, from, to));
    // The card is a text within the header.
    let version = replaced(r#"\"version\": 1"#, r#"\"version\": 9"#);
    assert!(
        version.contains("is \"kerma-model\" version 9; this kerma reads \"kerma-model\" up to version 2"),
        "{version}"
    );
    let task = refusal(&changed(header, r#"\"task\": \"denoise\""#, r#"\"task\": \"improve\""#));
    assert!(task.contains("is a model for the task \"improve\"; one for \"denoise\" is needed"), "{task}");
    let card = refusal(&changed(header, r#"\"machine\": \"a test\""#, r#"\"machine\": \"a text\""#));
    assert!(card.contains("card and weights are not those that were written"), "{card}");
    let network = replaced(r#"\"base\": 8"#, r#"\"base\": 7"#);
    assert!(network.contains("the card describes no network"), "{network}");
    let architecture = "the weights are not those of the card's architecture: ";
    let deeper = replaced(r#"\"blocks\": 1"#, r#"\"blocks\": 2"#);
    assert!(deeper.contains(&format!("{architecture}down.0.blocks.1.condition.bias of [16] is not there")), "{deeper}");
    let shallower = replaced(r#"\"conditioned\": true"#, r#"\"conditioned\": false"#);
    assert!(shallower.contains("the card describes no network"), "{shallower}");
    // 16,384 channels: 5 GB for each convolution, of which nothing is asked for before shapes are compared.
    let wider = replaced(r#"\"base\": 8"#, r#"\"base\": 1024"#);
    assert!(wider.contains(architecture) && wider.contains(" must be ["), "{wider}");
    let chain = replaced(r#"\"chain_share\": 0.1"#, r#"\"chain_share\": 9.1"#);
    assert!(chain.contains("the card describes no network") && chain.contains("chain_share"), "{chain}");
    let kind = replaced(r#""dtype":"F32""#, r#""dtype":"I32""#);
    assert!(kind.contains("weights must be F32, ") && kind.ends_with(" is I32"), "{kind}");
    let name = replaced(r#""entry.bias""#, r#""entry.boas""#);
    assert!(name.contains(&format!("{architecture}entry.bias of [8] is not there")), "{name}");
    // The control: unchanged headers of both versions are read.
    for whole in [whole.clone(), with_header(&first)] {
        assert!(Model::from_bytes(&whole, &path, &Device::flex()).is_ok());
    }
    let bare = b"\x02\0\0\0\0\0\0\0{}".to_vec();
    assert!(refusal(&bare).contains("no kerma model"), "{}", refusal(&bare));
}

/// What the network computes with is what the file holds, whichever way the weights came to it.
#[test]
fn weights_of_half_precision_take_half_the_room_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let fresh = model();
    let stirred = fresh.network().clone().map(&mut Raise);
    let mut model = Model::new(fresh.card().clone(), stirred);
    model.save(&path("single.safetensors"), Precision::Single).unwrap();
    model.save(&path("half.safetensors"), Precision::Half).unwrap();
    let size = |name: &str| fs::metadata(path(name)).unwrap().len();
    let weights = 2 * model.card().parameters as u64;
    assert_eq!(size("single.safetensors") / 1000, (size("half.safetensors") + weights) / 1000);
    let mut half = Model::load(&path("half.safetensors"), &Device::flex()).unwrap();
    let (exact, rounded) = (output(model.network()), output(half.network()));
    let largest = exact.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    let error = exact.iter().zip(&rounded).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
    // Eleven bits: 5e-4 of each weight, through some ten layers.
    assert!(error > 0.0 && error < 5e-3 * largest, "{error} of {largest}");
    // The file is the same, to the bit, when it is written once more.
    half.save(&path("again.safetensors"), Precision::Half).unwrap();
    let [first, again] = ["half.safetensors", "again.safetensors"].map(|name| fs::read(path(name)).unwrap());
    assert!(first == again);
}

/// Takes parameters away from 0, so that the network puts something out.
struct Raise;

impl ModuleMapper for Raise {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor + 0.01)
    }
}

#[test]
fn a_fresh_network_gives_zeros_so_that_training_starts_from_the_input() {
    let device = Device::flex();
    let network = Unet::new(&recipe().network, &Fresh::new(1, &device));
    let x = Tensor::<4>::random([2, 1, 32, 24], Distribution::Normal(0.0, 1.0), &device);
    let out = network.forward(x, Some(Tensor::from_floats([-1.0, -3.0], &device)));
    assert_eq!(out.dims(), [2, 1, 32, 24]);
    assert!(out.into_data().try_to_vec::<f32>().unwrap().iter().all(|v| *v == 0.0));
}
