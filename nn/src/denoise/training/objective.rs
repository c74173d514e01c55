//! What each method asks of the network, as a loss over one batch.

use burn::tensor::{Device, Tensor, TensorData};
use kerma::engine;

use super::{Batch, DiffusionOptions, Method, NoiseOptions, Recipe};
use crate::{
    Error,
    diffusion::{Chain, Level},
    networks::Unet,
    training::Loss,
};

/// Weight of the consistency term of the neighbour method, which rises linearly to it over the training.
const CONSISTENCY: f64 = 2.0;

/// Rows and columns of a blanked block.
const BLANKED: usize = 8;

/// Images scaled from 0 … 1 to −1 … 1.
fn centred(images: Tensor<4>) -> Tensor<4> {
    images * 2.0 - 1.0
}

/// A method with its options and its chain.
pub(super) enum Objective {
    Diffusion(DiffusionOptions, Chain),
    Denoising(Method, NoiseOptions),
    Inpainting,
}

impl Objective {
    pub(super) fn new(recipe: &Recipe) -> Result<Self, Error> {
        let missing = || Error::Recipe("the method's table is missing".to_owned());
        Ok(match recipe.method {
            Method::Diffusion => {
                let options = recipe.diffusion.clone().ok_or_else(missing)?;
                let chain = Chain::new(options.schedule, options.steps);
                Self::Diffusion(options, chain)
            }
            Method::Inpainting => Self::Inpainting,
            method => Self::Denoising(method, recipe.noise.clone().ok_or_else(missing)?),
        })
    }

    /// The loss of `network` on a batch; `share` is how much of the training is done.
    pub(super) async fn loss(
        &self,
        network: &Unet,
        mut batch: Batch,
        share: f64,
        engine: &engine::Device,
        device: &Device,
    ) -> Result<Loss, Error> {
        let side = batch.side;
        let clean = Tensor::<1>::from_data(TensorData::from(batch.clean.as_slice()), device);
        let clean = centred(clean.reshape([batch.count, 1, side, side]));
        let mut judged = None;
        let value = match self {
            Self::Diffusion(options, chain) => {
                let levels: Vec<Level> = (0..batch.count).map(|_| draw_level(options, chain, &mut batch)).collect();
                let noise = batch.normals(engine, device).await?;
                let each = |f: &dyn Fn(Level) -> f64| {
                    let values: Vec<f32> = levels.iter().map(|level| f(*level) as f32).collect();
                    Tensor::<1>::from_floats(values.as_slice(), device)
                };
                let per_image = |f: &dyn Fn(Level) -> f64| each(f).reshape([batch.count, 1, 1, 1]);
                let x = clean.clone() * per_image(&Level::signal) + noise.clone() * per_image(&Level::noise);
                let target = clean * per_image(&|level| options.prediction.target(level)[0])
                    + noise * per_image(&|level| options.prediction.target(level)[1]);
                let output = network.forward(x, Some(each(&|level| level.sigma().ln())));
                (output - target).square().mean()
            }
            Self::Inpainting => inpainting(network, clean, &mut batch),
            Self::Denoising(Method::Neighbor2neighbor, options) => {
                let noisy = centred(batch.noisy(options, engine, device).await?);
                neighbours(network, noisy, &mut batch, share)
            }
            Self::Denoising(method, options) => {
                let noisy = centred(batch.noisy(options, engine, device).await?);
                let denoised = noisy.clone() - network.forward(noisy, None);
                judged = (*method == Method::Adversarial).then(|| [denoised.clone(), clean.clone()]);
                (denoised - clean).square().mean()
            }
        };
        Ok(Loss { value, judged })
    }
}

/// Mean squared error where blocks of the image were blanked, half of them by chance.
fn inpainting(network: &Unet, clean: Tensor<4>, batch: &mut Batch) -> Tensor<1> {
    let [count, _, side, _] = clean.dims();
    let across = side.div_ceil(BLANKED);
    let blanked: Vec<bool> = (0..count * across * across).map(|_| batch.draws.below(2) == 0).collect();
    let pixel = |i: usize| {
        let (image, row, column) = (i / (side * side), i / side % side, i % side);
        f32::from(u8::from(blanked[(image * across + row / BLANKED) * across + column / BLANKED]))
    };
    let mask: Vec<f32> = (0..count * side * side).map(pixel).collect();
    let mask =
        Tensor::<1>::from_data(TensorData::from(mask.as_slice()), &clean.device()).reshape([count, 1, side, side]);
    let seen = clean.clone() * (1.0 - mask.clone());
    let error = (network.forward(seen, None) - clean) * mask.clone();
    error.square().sum() / (mask.sum() + 1.0)
}

/// Most levels evenly in ln σ over the range that denoising uses, the others evenly over the chain.
fn draw_level(options: &DiffusionOptions, chain: &Chain, batch: &mut Batch) -> Level {
    if batch.draws.unit() < options.chain_share {
        return chain.level(batch.draws.below(chain.len()));
    }
    let [least, most] = options.levels.map(f64::ln);
    Level::from_sigma((least + (most - least) * batch.draws.unit()).exp())
}

/// Neighbor2Neighbor (Huang et al. 2021, equation 10): of every block of 2 × 2 pixels two neighbours are drawn; from the
/// image of the first ones the network predicts that of the second ones.
///
/// ```text
/// |f(g₁y) − g₂y|² + γ |f(g₁y) − g₂y − (g₁ f(y) − g₂ f(y))|²
/// ```
///
/// where g₁ and g₂ take the drawn pixels, f denoises, and no gradient passes through f(y).
fn neighbours(network: &Unet, noisy: Tensor<4>, batch: &mut Batch, share: f64) -> Tensor<1> {
    let [count, _, side, _] = noisy.dims();
    let (half, device) = (side / 2, noisy.device());
    // Weights that are 1 at the drawn pixel of each block: [count, 4, half, half] for first and second.
    let pixels = count * half * half;
    let mut picks = [vec![0.0f32; 4 * pixels], vec![0.0f32; 4 * pixels]];
    for pixel in 0..pixels {
        let bits = batch.draws.bits();
        let first = (bits & 3) as usize;
        // The neighbour in the row or in the column.
        let second = first ^ if bits & 4 == 0 { 1 } else { 2 };
        let (image, at) = (pixel / (half * half), pixel % (half * half));
        picks[0][(image * 4 + first) * half * half + at] = 1.0;
        picks[1][(image * 4 + second) * half * half + at] = 1.0;
    }
    let picks = picks.map(|values| {
        Tensor::<1>::from_data(TensorData::from(values.as_slice()), &device).reshape([count, 4, half, half])
    });
    let take = |image: Tensor<4>, pick: &Tensor<4>| (crate::ops::fold(image, 2) * pick.clone()).sum_dim(1);
    let denoise = |image: Tensor<4>| image.clone() - network.forward(image, None);
    let [first, second] = [&picks[0], &picks[1]].map(|pick| take(noisy.clone(), pick));
    let whole = denoise(noisy).detach();
    let error = denoise(first) - second;
    let drift = take(whole.clone(), &picks[0]) - take(whole, &picks[1]);
    error.clone().square().mean() + (error - drift).square().mean() * (CONSISTENCY * share)
}
