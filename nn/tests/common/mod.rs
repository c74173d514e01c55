//! What several tests of trainings start from.

use kerma_nn::{denoise::training::Recipe, training::System};

/// A recipe that takes a second.
pub(crate) fn recipe(method: &str) -> Recipe {
    const CHAIN: &str = r#"
        [diffusion]
        schedule = "cosine"
        steps = 100
        prediction = "velocity"
        levels = [0.02, 1.0]
        chain_share = 0.2
    "#;
    const NOISE: &str = "[noise]\ndoses = [50.0, 500.0]";
    let table = match method {
        "diffusion" => CHAIN,
        "inpainting" => "",
        _ => NOISE,
    };
    let text = format!(
        r#"
        name = "tiny"
        method = "{method}"
        seed = 3
        [network]
        conditioned = {conditioned}
        fold = 2
        base = 8
        multipliers = [1, 2]
        blocks = 1
        groups = 4
        attention = {conditioned}
        {table}
        [data]
        patch = 16
        [data.radiographs]
        count = 1
        views_per_body = 2
        size = 48
        [training]
        batch = 6
        steps = 40
        learning_rate = 3e-3
        shape = "cosine"
        warm_up = 5
        weight_decay = 0.01
        clip = 1.0
        mean_decay = 0.9
        checkpoint = 10
        "#,
        conditioned = method == "diffusion",
    );
    Recipe::from_toml(&text).unwrap()
}
