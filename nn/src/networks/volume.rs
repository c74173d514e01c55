//! Parts that take volumes `[count, channels, planes, rows, columns]` as their counterparts take images.

use burn::{
    module::{Module, Param},
    tensor::Tensor,
};

use super::{Conv3x3x3, Fresh, Mix, Norm};
use crate::ops;

/// A [`ResidualBlock`](super::ResidualBlock) of volumes, without condition.
///
/// ```text
/// out = skip(x) + conv₂(norm₂(conv₁(norm₁(x))))
/// ```
///
/// where skip is a 1 × 1 × 1 convolution if the channels change. conv₂ starts at 0.
#[derive(Module, Debug)]
pub struct VolumeBlock {
    first_norm: Norm,
    first: Conv3x3x3,
    second_norm: Norm,
    second: Conv3x3x3,
    skip: Option<Mix>,
}

impl VolumeBlock {
    /// A block from `input` to `output` channels.
    #[must_use]
    pub fn new(input: usize, output: usize, groups: usize, fresh: &Fresh) -> Self {
        let part = |name| fresh.part(name);
        Self {
            first_norm: Norm::new(input, groups, true, &part("first_norm")),
            first: Conv3x3x3::new(input, output, &part("first")),
            second_norm: Norm::new(output, groups, true, &part("second_norm")),
            second: Conv3x3x3::zeros(output, output, &part("second")),
            skip: (input != output).then(|| Mix::new(input, output, &part("skip"))),
        }
    }

    /// # Shapes
    /// - input: `[count, in, planes, rows, columns]`
    /// - output: `[count, out, planes, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let inner = self.first.forward(self.first_norm.forward(x.clone(), None));
        let inner = self.second_norm.forward(inner, None);
        let skipped = self.skip.as_ref().map_or(x.clone(), |skip| as_images(x, |x| skip.forward(x)));
        self.second.forward_onto(inner, skipped)
    }
}

/// Values that a block's evaluation keeps at most, without gradients: its input, what is joined to make it or what is normalised
/// of it, and beside them; the output, what is added to it and what is normalised between.
pub(super) fn block_values(input: usize, output: usize, sides: [usize; 3]) -> usize {
    3 * (input + output) * sides.iter().product::<usize>()
}

/// Values that the first or last convolution of a network keeps at most: the volume of `channels` channels twice, and what of the
/// network is beside it.
pub(super) fn end_values(channels: usize, width: usize, sides: [usize; 3]) -> usize {
    2 * (channels + width) * sides.iter().product::<usize>()
}

/// Twice the planes, rows and columns by a transposed 2 × 2 × 2 convolution of stride 2.
///
/// ```text
/// out[n, o, 2p + d] = bias[o] + Σ_c weight[o, d, c] · in[n, c, p],    d ∈ {0, 1}³
/// ```
///
/// Blocks do not overlap, so it is a 1 × 1 × 1 convolution whose channels become blocks.
#[derive(Module, Debug)]
pub struct TransposedVolume {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl TransposedVolume {
    /// From `input` to `output` channels; weights are even within ±1/√`input`.
    #[must_use]
    pub fn new(input: usize, output: usize, fresh: &Fresh) -> Self {
        let weight = fresh.uniform("weight", [8 * output, input, 1, 1], 1.0 / (input as f64).sqrt());
        Self { weight, bias: fresh.constant([output], 0.0) }
    }

    /// # Shapes
    /// - input: `[count, in, planes, rows, columns]`
    /// - output: `[count, out, 2 planes, 2 rows, 2 columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let bias = self.bias.val();
        let [output] = bias.dims();
        // One for each voxel of a block.
        let bias = bias.reshape([output, 1]).expand([output, 8]).reshape([8 * output]);
        unfold_volume(as_images(x, |x| ops::mix(x, self.weight.val(), bias)), 2)
    }
}

/// What is done to every voxel alike, done to the slices one below the other.
fn as_images(x: Tensor<5>, each: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Tensor<5> {
    let [count, channels, planes, rows, columns] = x.dims();
    let out = each(x.reshape([count, channels, planes * rows, columns]));
    let [_, channels, ..] = out.dims();
    out.reshape([count, channels, planes, rows, columns])
}

/// Channels as blocks of `side`³ voxels.
///
/// # Shapes
/// - input: `[count, channels side³, planes, rows, columns]`
/// - output: `[count, channels, planes side, rows side, columns side]`
#[must_use]
pub fn unfold_volume(x: Tensor<5>, side: usize) -> Tensor<5> {
    let [count, channels, planes, rows, columns] = x.dims();
    let channels = channels / side.pow(3);
    let blocks = x.reshape([count, channels, side, side, side, planes, rows, columns]);
    let blocks = blocks.permute([0, 1, 5, 2, 6, 3, 7, 4]);
    blocks.reshape([count, channels, planes * side, rows * side, columns * side])
}

/// Patches of `side`³ voxels as tokens, their voxels of all channels as values.
///
/// # Shapes
/// - input: `[count, channels, planes, rows, columns]`, all multiples of `side`
/// - output: `[count, planes / side · rows / side · columns / side, channels side³]`
#[must_use]
pub fn patches(x: Tensor<5>, side: usize) -> Tensor<3> {
    let [count, channels, planes, rows, columns] = x.dims();
    let [planes, rows, columns] = [planes, rows, columns].map(|length| length / side);
    let blocks = x.reshape([count, channels, planes, side, rows, side, columns, side]);
    let blocks = blocks.permute([0, 2, 4, 6, 1, 3, 5, 7]);
    blocks.reshape([count, planes * rows * columns, channels * side.pow(3)])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn counted<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|v| v as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn patches_keep_their_voxels_together() {
        let volume = counted([1, 1, 4, 4, 4]);
        let tokens = patches(volume.clone(), 2);
        let first: Vec<f32> = tokens.clone().narrow(1, 0, 1).into_data().try_to_vec().unwrap();
        assert_eq!(first, [0.0, 1.0, 4.0, 5.0, 16.0, 17.0, 20.0, 21.0]);
        // Values as channels, tokens as places: blocks again.
        let back = unfold_volume(tokens.swap_dims(1, 2).reshape([1, 8, 2, 2, 2]), 2);
        assert_eq!(back.into_data(), volume.into_data());
    }

    #[test]
    fn transposed_convolutions_are_those_of_the_formula() {
        let fresh = Fresh::new(3, &Device::flex());
        let part = TransposedVolume { bias: fresh.uniform("bias", [2], 1.0), ..TransposedVolume::new(3, 2, &fresh) };
        let x = counted([1, 3, 1, 2, 1]);
        let out: Vec<f32> = part.forward(x).into_data().try_to_vec().unwrap();
        let weight: Vec<f32> = part.weight.val().into_data().try_to_vec().unwrap();
        let bias: Vec<f32> = part.bias.val().into_data().try_to_vec().unwrap();
        for (i, got) in out.iter().enumerate() {
            let (o, plane, row, column) = (i / 16, i / 8 % 2, i / 2 % 4, i % 2);
            let place = plane * 4 + row % 2 * 2 + column;
            let sum = (0..3).map(|c| f64::from(weight[(o * 8 + place) * 3 + c]) * (c * 2 + row / 2) as f64);
            let want = f64::from(bias[o]) + sum.sum::<f64>();
            assert!((f64::from(*got) - want).abs() < 1e-5, "{i}: {got} {want}");
        }
    }
}
