use burn::{
    module::{Initializer, Module, Param},
    tensor::{Device, Tensor},
};

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
    pub fn new(input: usize, output: usize, device: &Device) -> Self {
        let initial = Initializer::KaimingNormal { gain: 1.0, fan_out_only: false };
        let weight = initial.init_with([output, input, 3, 3], Some(input * 9), Some(output * 9), device);
        Self { weight, bias: Initializer::Zeros.init([output], device) }
    }

    /// All 0, so that a residual branch starts as the identity.
    #[must_use]
    pub fn zeros(input: usize, output: usize, device: &Device) -> Self {
        let weight = Initializer::Zeros.init([output, input, 3, 3], device);
        Self { weight, bias: Initializer::Zeros.init([output], device) }
    }

    /// # Shapes
    /// - input: `[count, in, rows, columns]`
    /// - output: `[count, out, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        ops::conv3x3(x, self.weight.val(), self.bias.val())
    }
}
