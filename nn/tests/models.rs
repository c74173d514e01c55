//! Model files: what is written is read again, and whatever is wrong with a file is said.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{fs, path::Path};

use burn::tensor::{Device, Distribution, Tensor};
use kerma_nn::{Card, Model, networks::Unet, training::Recipe};

fn recipe() -> Recipe {
    Recipe::from_toml(include_str!("../../recipes/ddpm-x.toml")).unwrap()
}

/// A small untrained model.
fn model() -> Model {
    let mut recipe = recipe();
    (recipe.network.base, recipe.network.blocks) = (8, 1);
    let network = Unet::new(&recipe.network, &Device::flex());
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
    model.save(&path).unwrap();
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
    model().save(&path).unwrap();
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

#[test]
fn files_of_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    model().save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&whole).into_owned();
    // The card is a text within the header: numbers of the same length can be changed in place.
    let replaced = |from: &str, to: &str| {
        assert!(text.contains(from) && from.len() == to.len(), "{from}");
        let at = whole.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut changed = whole.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        refusal(&changed)
    };
    let version = replaced(r#"\"version\": 1"#, r#"\"version\": 9"#);
    assert!(version.contains("is \"kerma-model\" version 9; this kerma reads \"kerma-model\" version 1"), "{version}");
    let network = replaced(r#"\"base\": 8"#, r#"\"base\": 7"#);
    assert!(network.contains("the card describes no network"), "{network}");
    let deeper = replaced(r#"\"blocks\": 1"#, r#"\"blocks\": 2"#);
    assert!(deeper.contains("architecture"), "{deeper}");
    let chain = replaced(r#"\"chain_share\": 0.1"#, r#"\"chain_share\": 9.1"#);
    assert!(chain.contains("the card describes no network") && chain.contains("chain_share"), "{chain}");
    let kind = replaced(r#""dtype":"F32""#, r#""dtype":"I32""#);
    assert!(kind.contains("weights must be F32, ") && kind.ends_with(" is I32"), "{kind}");
    let bare = b"\x02\0\0\0\0\0\0\0{}".to_vec();
    assert!(refusal(&bare).contains("no kerma model"), "{}", refusal(&bare));
}

#[test]
fn a_fresh_network_gives_zeros_so_that_training_starts_from_the_input() {
    let device = Device::flex();
    let network = Unet::new(&recipe().network, &device);
    let x = Tensor::<4>::random([2, 1, 32, 24], Distribution::Normal(0.0, 1.0), &device);
    let out = network.forward(x, Some(Tensor::from_floats([-1.0, -3.0], &device)));
    assert_eq!(out.dims(), [2, 1, 32, 24]);
    assert!(out.into_data().try_to_vec::<f32>().unwrap().iter().all(|v| *v == 0.0));
}
