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
        self.mix.forward(fold(x, 2))
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

/// Blocks of `side` × `side` pixels as channels; [`unfold`] undoes it.
///
/// # Shapes
/// - input: `[count, channels, rows, columns]`, both multiples of `side`
/// - output: `[count, channels side², rows / side, columns / side]`
#[must_use]
pub fn fold(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [count, channels, rows, columns] = x.dims();
    let blocks = x.reshape([count, channels, rows / side, side, columns / side, side]);
    blocks.permute([0, 1, 3, 5, 2, 4]).reshape([count, channels * side * side, rows / side, columns / side])
}

/// Channels as blocks of `side` × `side` pixels.
///
/// # Shapes
/// - input: `[count, channels side², rows, columns]`
/// - output: `[count, channels, rows side, columns side]`
#[must_use]
pub fn unfold(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [count, channels, rows, columns] = x.dims();
    let channels = channels / (side * side);
    let blocks = x.reshape([count, channels, side, side, rows, columns]);
    blocks.permute([0, 1, 4, 2, 5, 3]).reshape([count, channels, rows * side, columns * side])
}
