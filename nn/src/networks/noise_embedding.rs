use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor, activation::silu},
};

/// Number of frequencies of the embedding.
const FREQUENCIES: usize = 32;
/// Highest frequency in turns per unit of ln σ; the lowest is 1/64 turn, so that the whole scale lies within one.
const HIGHEST: f64 = 2.0;
const LOWEST: f64 = 1.0 / 64.0;

/// The level of noise as a vector: sines and cosines of ln σ, then two dense layers.
///
/// σ is the deviation of the noise relative to a signal in −1 … 1 that is not scaled down: σ² = (1 − ᾱ) / ᾱ. Its
/// logarithm is what networks of every schedule share, so a level never depends on the number of steps.
#[derive(Module, Debug)]
pub struct NoiseEmbedding {
    first: Linear,
    second: Linear,
}

impl NoiseEmbedding {
    /// An embedding of `width` values.
    #[must_use]
    pub fn new(width: usize, device: &Device) -> Self {
        Self {
            first: LinearConfig::new(2 * FREQUENCIES, width).init(device),
            second: LinearConfig::new(width, width).init(device),
        }
    }

    /// # Shapes
    /// - `ln_sigma`: `[count]`
    /// - output: `[count, width]`
    #[must_use]
    pub fn forward(&self, ln_sigma: Tensor<1>) -> Tensor<2> {
        let turns: Vec<f32> = (0..FREQUENCIES)
            .map(|i| LOWEST * (HIGHEST / LOWEST).powf(i as f64 / (FREQUENCIES - 1) as f64))
            .map(|f| (std::f64::consts::TAU * f) as f32)
            .collect();
        let turns = Tensor::<1>::from_floats(turns.as_slice(), &ln_sigma.device()).reshape([1, FREQUENCIES]);
        let phase = ln_sigma.unsqueeze_dim::<2>(1) * turns;
        let waves = Tensor::cat(vec![phase.clone().sin(), phase.cos()], 1);
        silu(self.second.forward(silu(self.first.forward(waves))))
    }
}
