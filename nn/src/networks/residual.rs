use burn::{module::Module, nn::Linear, tensor::Tensor};

use super::{Conv3x3, Fresh, Mix, Norm};

/// Two convolutions, each after group normalisation and SiLU, added to the input.
///
/// ```text
/// out = skip(x) + conv₂(norm₂(conv₁(norm₁(x)); condition))
/// ```
///
/// where skip is a 1 × 1 convolution if the channels change, and the condition (the level of noise) scales and shifts
/// the second normalisation. conv₂ starts at 0.
#[derive(Module, Debug)]
pub struct ResidualBlock {
    first_norm: Norm,
    first: Conv3x3,
    condition: Option<Linear>,
    second_norm: Norm,
    second: Conv3x3,
    skip: Option<Mix>,
}

impl ResidualBlock {
    /// A block from `input` to `output` channels, conditioned on a vector of `condition` values if there is one.
    #[must_use]
    pub fn new(input: usize, output: usize, groups: usize, condition: Option<usize>, fresh: &Fresh) -> Self {
        let part = |name| fresh.part(name);
        Self {
            first_norm: Norm::new(input, groups, true, &part("first_norm")),
            first: Conv3x3::new(input, output, &part("first")),
            condition: condition.map(|width| part("condition").linear(width, 2 * output)),
            second_norm: Norm::new(output, groups, true, &part("second_norm")),
            second: Conv3x3::zeros(output, output, &part("second")),
            skip: (input != output).then(|| Mix::new(input, output, &part("skip"))),
        }
    }

    /// # Shapes
    /// - input: `[count, in, rows, columns]`
    /// - condition: `[count, width]`
    /// - output: `[count, out, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>, condition: Option<&Tensor<2>>) -> Tensor<4> {
        let inner = self.first.forward(self.first_norm.forward(x.clone(), None));
        let condition = self.condition.as_ref().zip(condition).map(|(layer, vector)| {
            let both = layer.forward(vector.clone());
            let [count, width] = both.dims();
            [both.clone().slice([0..count, 0..width / 2]), both.slice([0..count, width / 2..width])]
        });
        let inner = self.second_norm.forward(inner, condition);
        let skipped = self.skip.as_ref().map_or(x.clone(), |skip| skip.forward(x));
        self.second.forward_onto(inner, skipped)
    }
}
