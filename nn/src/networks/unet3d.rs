use burn::{module::Module, tensor::Tensor};
use serde::{Deserialize, Serialize};

use super::{
    Conv3x3x3, Fresh, Norm, VolumeBlock, fault,
    volume::{block_values, end_values},
};
use crate::ops;

/// Sizes of a [`Unet3d`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unet3dOptions {
    /// Channels of a volume that enters, 1 to 64.
    pub inputs: usize,
    /// Channels of a volume that leaves, 1 to 64.
    pub outputs: usize,
    /// Channels at the finest level.
    pub base: usize,
    /// Channels of each level, finest first, as multiples of `base`; each level has half the planes, rows and columns
    /// of the one before.
    pub multipliers: Vec<usize>,
    /// Groups of the normalisations; divides `base`.
    pub groups: usize,
}

impl Default for Unet3dOptions {
    /// Levels of 8, 16, 32 and 64 channels: 0.37 million weights, 4 GFLOP for a patch of 48³.
    fn default() -> Self {
        Self { inputs: 1, outputs: 1, base: 8, multipliers: vec![1, 2, 4, 8], groups: 4 }
    }
}

impl Unet3dOptions {
    /// Planes, rows and columns of a volume must be multiples of this.
    #[must_use]
    pub fn multiple(&self) -> usize {
        1 << (self.multipliers.len() - 1)
    }

    /// Bytes that evaluating the network on one volume of `[planes, rows, columns]` takes at most, without gradients.
    ///
    /// The largest block, beside what finer levels keep for the way up, or the first or last convolution; a block on the
    /// way up sees what comes from below beside its own level's.
    #[must_use]
    pub fn activation_bytes(&self, sides: [usize; 3]) -> u64 {
        let sides = |level: usize| sides.map(|side| (side >> level).max(1));
        let width = |level: usize| self.multipliers.get(level).map_or(0, |m| m * self.base);
        let kept = |level: usize| (0..level).map(|l| width(l) * sides(l).iter().product::<usize>()).sum::<usize>();
        let blocks = (0..self.multipliers.len()).map(|level| {
            let above = if level == 0 { 0 } else { width(level - 1) };
            block_values((width(level) + width(level + 1)).max(above), width(level), sides(level)) + kept(level)
        });
        let ends = end_values(self.inputs.max(self.outputs), width(0), sides(0));
        (blocks.chain([ends]).max().unwrap_or(0) * size_of::<f32>()) as u64
    }

    /// What is wrong with these sizes, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let Self { inputs, outputs, base, multipliers, groups } = self;
        fault::of_channels(*inputs, *outputs).or_else(|| fault::of_levels(*base, multipliers, *groups))
    }
}

/// Residual UNet from volumes to volumes (Çiçek et al. 2016).
///
/// One block a level on the way down, after the means of blocks of 2 × 2 × 2 voxels, and one on the way up, which sees
/// the output of its counterpart beside what comes from below, repeated 2 × 2 × 2 times. Normalisations are over groups
/// of channels and not over each channel of a patch: the latter would take away the patch's level, which is what a CT
/// number is.
#[derive(Module, Debug)]
pub struct Unet3d {
    entry: Conv3x3x3,
    down: Vec<VolumeBlock>,
    up: Vec<VolumeBlock>,
    norm: Norm,
    exit: Conv3x3x3,
}

impl Unet3d {
    /// A network with fresh weights, whose output is 0 everywhere.
    #[must_use]
    pub fn new(options: &Unet3dOptions, fresh: &Fresh) -> Self {
        let Unet3dOptions { inputs, outputs, base, groups, .. } = *options;
        let widths: Vec<usize> = options.multipliers.iter().map(|m| m * base).collect();
        let part = |name| fresh.part(name);
        let finest = widths[0];
        let before = std::iter::once(&finest).chain(&widths);
        let down = before
            .zip(&widths)
            .enumerate()
            .map(|(level, (input, output))| VolumeBlock::new(*input, *output, groups, &part("down").part(level)));
        let pairs = widths.windows(2).rev().enumerate();
        let up =
            pairs.map(|(index, pair)| VolumeBlock::new(pair[0] + pair[1], pair[0], groups, &part("up").part(index)));
        Self {
            entry: Conv3x3x3::new(inputs, finest, &part("entry")),
            down: down.collect(),
            up: up.collect(),
            norm: Norm::new(finest, groups, true, &part("norm")),
            exit: Conv3x3x3::zeros(finest, outputs, &part("exit")),
        }
    }

    /// # Shapes
    /// - input: `[count, inputs, planes, rows, columns]`, all multiples of [`Unet3dOptions::multiple`]
    /// - output: `[count, outputs, planes, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        ops::in_pool(|| self.evaluate(x))
    }

    fn evaluate(&self, x: Tensor<5>) -> Tensor<5> {
        let mut x = self.entry.forward(x);
        let mut skips = Vec::with_capacity(self.down.len());
        for (level, block) in self.down.iter().enumerate() {
            if level > 0 {
                skips.push(x.clone());
                x = ops::halve(x);
            }
            x = block.forward(x);
        }
        for block in &self.up {
            x = ops::enlarge(x);
            if let Some(skip) = skips.pop() {
                x = Tensor::cat(vec![x, skip], 1);
            }
            x = block.forward(x);
        }
        self.exit.forward(self.norm.forward(x, None))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_default_is_as_large_as_it_says() {
        let network = Unet3d::new(&Unet3dOptions::default(), &Fresh::new(1, &Device::flex()));
        assert_eq!(network.num_params(), 374_849);
    }

    #[test]
    fn fresh_networks_give_0_of_the_shape_that_was_asked_for() {
        let options = Unet3dOptions { inputs: 2, outputs: 3, multipliers: vec![1, 2], ..Unet3dOptions::default() };
        let network = Unet3d::new(&options, &Fresh::new(1, &Device::flex()));
        let out = network.forward(Tensor::ones([2, 2, 4, 6, 2], &Device::flex()));
        assert_eq!(out.dims(), [2, 3, 4, 6, 2]);
        assert_eq!(out.abs().max().into_scalar::<f32>(), 0.0);
    }

    #[test]
    fn faults_name_what_is_wrong() {
        let good = Unet3dOptions::default();
        assert_eq!(good.fault(), None);
        for (bad, named) in [
            (Unet3dOptions { inputs: 0, ..good.clone() }, "inputs"),
            (Unet3dOptions { outputs: 65, ..good.clone() }, "outputs"),
            (Unet3dOptions { multipliers: vec![], ..good.clone() }, "multipliers"),
            (Unet3dOptions { groups: 3, ..good.clone() }, "groups"),
        ] {
            assert!(bad.fault().is_some_and(|fault| fault.contains(named)), "{named}");
        }
    }
}
