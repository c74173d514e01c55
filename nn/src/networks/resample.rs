use burn::{module::Module, tensor::Tensor};

use super::{Conv3x3, Fresh, Mix};
use crate::ops;

/// Half the rows and columns: blocks of 2 × 2 pixels become channels, mixed by a 1 × 1 convolution.
///
/// The same map as a 2 × 2 convolution of stride 2, without unfolding.
#[derive(Module, Debug)]
pub struct Down {
    mix: Mix,
}

impl Down {
    /// From `input` to `output` channels.
    #[must_use]
    pub fn new(input: usize, output: usize, fresh: &Fresh) -> Self {
        Self { mix: Mix::new(4 * input, output, &fresh.part("mix")) }
    }

    /// # Shapes
    /// - input: `[count, in, rows, columns]`, both even
    /// - output: `[count, out, rows / 2, columns / 2]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.mix.forward(ops::fold(x, 2))
    }
}

/// Twice the rows and columns: every pixel is repeated 2 × 2 times, then a 3 × 3 convolution.
///
/// Repeating before convolving leaves no chequerboard (Odena et al. 2016).
#[derive(Module, Debug)]
pub struct Up {
    conv: Conv3x3,
}

impl Up {
    /// From `input` to `output` channels.
    #[must_use]
    pub fn new(input: usize, output: usize, fresh: &Fresh) -> Self {
        Self { conv: Conv3x3::new(input, output, &fresh.part("conv")) }
    }

    /// # Shapes
    /// - input: `[count, in, rows, columns]`
    /// - output: `[count, out, 2 rows, 2 columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(ops::enlarge(x))
    }
}
