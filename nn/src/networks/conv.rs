use burn::{
    module::{Module, Param},
    tensor::Tensor,
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
        ops::conv3x3(x, self.weight.val(), self.bias.val())
    }
}
