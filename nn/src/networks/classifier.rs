use burn::{module::Module, nn::Linear, tensor::Tensor};
use serde::{Deserialize, Serialize};

use super::{Conv3x3, Down, Fresh, Norm, ResidualBlock, fault};
use crate::ops::{self, fold};

/// Sizes of a [`Classifier`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierOptions {
    /// Channels of an image, 1 to 64.
    pub inputs: usize,
    /// Numbers that are told of it, 1 to 64.
    pub outputs: usize,
    /// Side of the blocks of pixels that enter as channels, 1 to 4.
    pub fold: usize,
    /// Channels at the finest level.
    pub base: usize,
    /// Channels of each level, finest first, as multiples of `base`; each level has half the rows and columns of the
    /// one before.
    pub multipliers: Vec<usize>,
    /// Residual blocks of each level.
    pub blocks: usize,
    /// Groups of the normalisations; divides `base`.
    pub groups: usize,
}

impl Default for ClassifierOptions {
    /// Levels of 16, 32, 64 and 128 channels: 0.83 million weights, 0.32 GFLOP for an image of 128².
    fn default() -> Self {
        Self { inputs: 1, outputs: 1, fold: 2, base: 16, multipliers: vec![1, 2, 4, 8], blocks: 2, groups: 8 }
    }
}

impl ClassifierOptions {
    /// Rows and columns of an image must be multiples of this.
    #[must_use]
    pub fn multiple(&self) -> usize {
        self.fold << (self.multipliers.len() - 1)
    }

    /// Bytes that evaluating the network on one image of `side` × `side` pixels takes at most, without gradients.
    ///
    /// A block's input and what is normalised of it, its output and what is between, and beside them the image, folded.
    #[must_use]
    pub fn activation_bytes(&self, side: usize) -> u64 {
        let sides = |level: usize| ((side / self.fold) >> level).max(1);
        let of_level = |(level, multiplier): (usize, &usize)| 5 * multiplier * self.base * sides(level).pow(2);
        let largest = self.multipliers.iter().enumerate().map(of_level).max().unwrap_or(0);
        let image = 2 * self.inputs * side.pow(2);
        ((largest + image) * size_of::<f32>()) as u64
    }

    /// What is wrong with these sizes, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        fault::of_channels(self.inputs, self.outputs)
            .or_else(|| fault::of_blocks(self.fold, self.blocks))
            .or_else(|| fault::of_levels(self.base, &self.multipliers, self.groups))
    }
}

/// One level.
#[derive(Module, Debug)]
struct Level {
    blocks: Vec<ResidualBlock>,
    down: Option<Down>,
}

/// Residual network from an image to numbers: logits of classes, or quantities (He et al. 2016).
///
/// Levels of residual blocks, then the mean over all pixels and a dense layer. It is convolutional up to the mean, so
/// any size that is a multiple of [`ClassifierOptions::multiple`] will do. The mean of the numbers of several images is
/// that of their mean features, since the last layer is linear.
#[derive(Module, Debug)]
pub struct Classifier {
    entry: Conv3x3,
    levels: Vec<Level>,
    norm: Norm,
    head: Linear,
    fold: usize,
}

impl Classifier {
    /// A network with fresh weights.
    #[must_use]
    pub fn new(options: &ClassifierOptions, fresh: &Fresh) -> Self {
        let ClassifierOptions { inputs, outputs, fold, base, groups, .. } = *options;
        let widths: Vec<usize> = options.multipliers.iter().map(|m| m * base).collect();
        let part = |name| fresh.part(name);
        let coarsest = widths[widths.len() - 1];
        let levels = widths.iter().enumerate().map(|(level, width)| {
            let fresh = part("levels").part(level);
            let block = |i| ResidualBlock::new(*width, *width, groups, None, &fresh.part("blocks").part(i));
            let next = widths.get(level + 1);
            Level {
                blocks: (0..options.blocks).map(block).collect(),
                down: next.map(|next| Down::new(*width, *next, &fresh.part("down"))),
            }
        });
        Self {
            entry: Conv3x3::new(inputs * fold * fold, widths[0], &part("entry")),
            levels: levels.collect(),
            norm: Norm::new(coarsest, groups, true, &part("norm")),
            head: part("head").linear(coarsest, outputs),
            fold,
        }
    }

    /// # Shapes
    /// - input: `[count, inputs, rows, columns]`, both multiples of [`ClassifierOptions::multiple`]
    /// - output: `[count, outputs]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        ops::in_pool(|| self.evaluate(x))
    }

    fn evaluate(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = self.entry.forward(fold(x, self.fold));
        for level in &self.levels {
            x = level.blocks.iter().fold(x, |x, block| block.forward(x, None));
            if let Some(down) = &level.down {
                x = down.forward(x);
            }
        }
        let x = self.norm.forward(x, None);
        let means: Tensor<2> = x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
        self.head.forward(means)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_default_is_as_large_as_it_says() {
        let network = Classifier::new(&ClassifierOptions::default(), &Fresh::new(1, &Device::flex()));
        assert_eq!(network.num_params(), 830_449);
    }

    #[test]
    fn numbers_come_from_images_of_any_size() {
        let options = ClassifierOptions { inputs: 2, outputs: 3, multipliers: vec![1, 2], ..Default::default() };
        let network = Classifier::new(&options, &Fresh::new(1, &Device::flex()));
        for [rows, columns] in [[16, 12], [4, 8]] {
            let numbers = network.forward(Tensor::ones([5, 2, rows, columns], &Device::flex()));
            assert_eq!(numbers.dims(), [5, 3]);
        }
    }

    #[test]
    fn faults_name_what_is_wrong() {
        let good = ClassifierOptions::default();
        assert_eq!(good.fault(), None);
        for (bad, named) in [
            (ClassifierOptions { outputs: 0, ..good.clone() }, "outputs"),
            (ClassifierOptions { fold: 5, ..good.clone() }, "fold"),
            (ClassifierOptions { base: 12, ..good.clone() }, "base"),
            (ClassifierOptions { blocks: 0, ..good.clone() }, "blocks"),
        ] {
            assert!(bad.fault().is_some_and(|fault| fault.contains(named)), "{named}");
        }
    }
}
