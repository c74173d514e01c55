use burn::{
    module::{Module, Param},
    tensor::{
        Tensor, module,
        ops::{ConvOptions, MaxPoolOptions},
    },
};

use super::Fresh;
use crate::ops;

/// 3 × 3 convolution with a bias and a border of zeros.
#[derive(Module, Debug)]
pub struct Conv3x3 {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl Conv3x3 {
    /// Weights after He et al. 2015, biases 0.
    #[must_use]
    pub fn new(input: usize, output: usize, fresh: &Fresh) -> Self {
        let weight = fresh.normal("weight", [output, input, 3, 3], 1.0 / ((9 * input) as f64).sqrt());
        Self { weight, bias: fresh.constant([output], 0.0) }
    }

    /// All 0, so that a residual branch starts as the identity.
    #[must_use]
    pub fn zeros(input: usize, output: usize, fresh: &Fresh) -> Self {
        Self { weight: fresh.constant([output, input, 3, 3], 0.0), bias: fresh.constant([output], 0.0) }
    }

    /// # Shapes
    /// - input: `[count, in, rows, columns]`
    /// - output: `[count, out, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        ops::conv3x3(x, self.weight.val(), self.bias.val(), None)
    }

    /// The same, added onto images like the output.
    #[must_use]
    pub fn forward_onto(&self, x: Tensor<4>, onto: Tensor<4>) -> Tensor<4> {
        ops::conv3x3(x, self.weight.val(), self.bias.val(), Some(onto))
    }
}

/// 1 × 1 convolution with a bias: the channels of every pixel, mixed.
#[derive(Module, Debug)]
pub struct Mix {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl Mix {
    /// Weights and biases are even within ±1/√`input`.
    #[must_use]
    pub fn new(input: usize, output: usize, fresh: &Fresh) -> Self {
        let bound = 1.0 / (input as f64).sqrt();
        let weight = fresh.uniform("weight", [output, input, 1, 1], bound);
        Self { weight, bias: fresh.uniform("bias", [output], bound) }
    }

    /// # Shapes
    /// - input: `[count, in, rows, columns]`
    /// - output: `[count, out, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        ops::mix(x, self.weight.val(), self.bias.val())
    }
}

/// 3 × 3 × 3 convolution with a bias and a border of zeros.
#[derive(Module, Debug)]
pub struct Conv3x3x3 {
    weight: Param<Tensor<5>>,
    bias: Param<Tensor<1>>,
}

impl Conv3x3x3 {
    /// Weights after He et al. 2015, biases 0.
    #[must_use]
    pub fn new(input: usize, output: usize, fresh: &Fresh) -> Self {
        let weight = fresh.normal("weight", [output, input, 3, 3, 3], 1.0 / ((27 * input) as f64).sqrt());
        Self { weight, bias: fresh.constant([output], 0.0) }
    }

    /// All 0, so that a residual branch starts as the identity.
    #[must_use]
    pub fn zeros(input: usize, output: usize, fresh: &Fresh) -> Self {
        Self { weight: fresh.constant([output, input, 3, 3, 3], 0.0), bias: fresh.constant([output], 0.0) }
    }

    /// # Shapes
    /// - input: `[count, in, planes, rows, columns]`
    /// - output: `[count, out, planes, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        ops::conv3x3x3(x, self.weight.val(), self.bias.val(), None)
    }

    /// The same, added onto volumes like the output.
    #[must_use]
    pub fn forward_onto(&self, x: Tensor<5>, onto: Tensor<5>) -> Tensor<5> {
        ops::conv3x3x3(x, self.weight.val(), self.bias.val(), Some(onto))
    }
}

/// Convolution of each channel by itself, with a bias and a border of zeros (Howard et al. 2017, section 3.1).
#[derive(Module, Debug)]
pub struct Depthwise {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl Depthwise {
    /// Windows of `side` × `side` pixels, which is odd; weights after He et al. 2015, biases 0.
    #[must_use]
    pub fn new(channels: usize, side: usize, fresh: &Fresh) -> Self {
        let weight = fresh.normal("weight", [channels, 1, side, side], 1.0 / side as f64);
        Self { weight, bias: fresh.constant([channels], 0.0) }
    }

    /// # Shapes
    /// - input, output: `[count, channels, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let [channels, _, side, _] = weight.dims();
        let same = ConvOptions::new([1; 2], [side / 2; 2], [1; 2], channels);
        module::conv2d(x, weight, Some(self.bias.val()), same)
    }
}

/// The largest of each block of 2 × 2 pixels.
///
/// # Shapes
/// - input: `[count, channels, rows, columns]`
/// - output: `[count, channels, rows / 2, columns / 2]`, without what an odd side has left
#[must_use]
pub fn max_pool(x: Tensor<4>) -> Tensor<4> {
    module::max_pool2d(x, MaxPoolOptions::new([2, 2]))
}
