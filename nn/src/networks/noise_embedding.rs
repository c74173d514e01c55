use std::f64::consts::TAU;

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Tensor, activation::silu},
};

use super::Fresh;

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
    pub fn new(width: usize, fresh: &Fresh) -> Self {
        Self {
            first: fresh.part("first").linear(2 * FREQUENCIES, width),
            second: fresh.part("second").linear(width, width),
        }
    }

    /// # Shapes
    /// - `ln_sigma`: `[count]`
    /// - output: `[count, width]`
    #[must_use]
    pub fn forward(&self, ln_sigma: Tensor<1>) -> Tensor<2> {
        let frequencies: Vec<f32> = (0..FREQUENCIES)
            .map(|i| (LOWEST * (HIGHEST / LOWEST).powf(i as f64 / (FREQUENCIES - 1) as f64)) as f32)
            .collect();
        let frequencies =
            Tensor::<1>::from_floats(frequencies.as_slice(), &ln_sigma.device()).reshape([1, FREQUENCIES]);
        let turns = ln_sigma.unsqueeze_dim::<2>(1) * frequencies;
        let waves = cosines(Tensor::cat(vec![turns.clone() - 0.25, turns], 1));
        silu(self.second.forward(silu(self.first.forward(waves))))
    }
}

/// cos 2πt by additions and multiplications alone.
///
/// A GPU's own sine and cosine may be wrong by 2⁻¹¹ within a turn and by more beyond it (the precision that Vulkan and
/// WGSL ask for), so that a network would answer differently on every device.
///
/// ```text
/// cos 2πt = sin 2πv,    v = 1/4 − |t − round(t)|,    |v| ≤ 1/4
/// ```
///
/// The sine is its series up to the power 13; the next term is below 7e-10 there.
fn cosines(turns: Tensor<2>) -> Tensor<2> {
    /// Terms after the first: powers 3, 5 … 13.
    const TERMS: usize = 6;
    let x = ((turns.clone() - turns.round()).abs() * -1.0 + 0.25) * TAU;
    // 1 − x²/(2·3) · (1 − x²/(4·5) · (…)), from the last factor outwards.
    let factor = |term: usize| x.clone().square() * (-1.0 / (2 * term * (2 * term + 1)) as f64);
    let series = (1..TERMS).rev().fold(factor(TERMS) + 1.0, |inner, term| factor(term) * inner + 1.0);
    x * series
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn cosines_are_those_of_the_formula() {
        let turns: Vec<f32> = (-1300..1300).map(|i| i as f32 * 0.009_765_625).collect();
        let got = cosines(Tensor::<1>::from_floats(turns.as_slice(), &Device::flex()).reshape([1, turns.len()]));
        for (got, turn) in got.into_data().try_to_vec::<f32>().unwrap().iter().zip(&turns) {
            let want = (TAU * f64::from(*turn)).cos();
            // Turns are exact here; 2πv and the series round a few times, by 6e-8 each.
            assert!((f64::from(*got) - want).abs() < 3e-7, "{turn} turns: {got} {want}");
        }
    }
}
