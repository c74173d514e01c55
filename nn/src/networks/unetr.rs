use burn::{
    module::{Module, Param},
    nn::{LayerNorm, Linear},
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};

use super::{
    Conv3x3x3, Fresh, Norm, TransformerLayer, TransposedVolume, VolumeBlock, fault,
    volume::{block_values, end_values, patches},
};
use crate::ops;

/// Deviation of fresh positions (Dosovitskiy et al. 2021).
const POSITION: f64 = 0.02;
/// Most tokens of a volume: attention takes the square.
const MOST_TOKENS: usize = 4096;

/// Sizes of a [`Unetr`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetrOptions {
    /// Channels of a volume that enters, 1 to 64.
    pub inputs: usize,
    /// Channels of a volume that leaves, 1 to 64.
    pub outputs: usize,
    /// Planes, rows and columns of a volume: positions are learned, so the network knows one size.
    pub side: usize,
    /// Side of the patches that become tokens: 2, 4, 8 or 16.
    pub patch: usize,
    /// Values of a token.
    pub width: usize,
    /// Values between the two dense layers of a transformer's layer.
    pub hidden: usize,
    /// Layers of the transformer.
    pub layers: usize,
    /// Heads of its attention; divides `width`.
    pub heads: usize,
    /// Channels of the decoder at the finest level; each coarser level has twice as many.
    pub base: usize,
    /// Groups of the decoder's normalisations; divides `base`.
    pub groups: usize,
}

impl Default for UnetrOptions {
    /// Patches of 48³ voxels: 0.83 million weights, 3 GFLOP.
    fn default() -> Self {
        Self {
            inputs: 1,
            outputs: 1,
            side: 48,
            patch: 8,
            width: 128,
            hidden: 256,
            layers: 4,
            heads: 4,
            base: 8,
            groups: 4,
        }
    }
}

impl UnetrOptions {
    /// Levels of the decoder.
    fn levels(&self) -> usize {
        self.patch.ilog2() as usize
    }

    /// Tokens along a side.
    fn grid(&self) -> usize {
        self.side / self.patch
    }

    /// Bytes that evaluating the network on one volume takes at most, without gradients.
    ///
    /// The volume and the tokens that the decoder returns to, beside the largest of the decoder's blocks, the first or last
    /// convolution, and the matrices of a transformer's layer.
    #[must_use]
    pub fn activation_bytes(&self) -> u64 {
        let tokens = self.grid().pow(3);
        let blocks = (0..self.levels()).map(|level| {
            let width = self.base << level;
            block_values(2 * width, width, [self.side >> level; 3])
        });
        let attention = 3 * self.heads * tokens.pow(2) + tokens * (10 * self.width + self.hidden);
        let ends = end_values(self.inputs.max(self.outputs), self.base, [self.side; 3]);
        let largest = blocks.chain([attention, ends]).max().unwrap_or(0);
        let kept = tokens * self.width * (self.levels() + 1) + self.inputs * self.side.pow(3);
        ((largest + kept) * size_of::<f32>()) as u64
    }

    /// What is wrong with these sizes, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let Self { inputs, outputs, side, patch, width, hidden, layers, heads, base, groups } = *self;
        if let Some(fault) = fault::of_channels(inputs, outputs).or_else(|| fault::of_levels(base, &[1], groups)) {
            return Some(fault);
        }
        if ![2, 4, 8, 16].contains(&patch) {
            return Some(format!("patch must be 2, 4, 8 or 16, got {patch}"));
        }
        if side == 0 || !side.is_multiple_of(patch) || side / patch > 64 || (side / patch).pow(3) > MOST_TOKENS {
            return Some(format!("side must be a multiple of patch with at most 16 patches, got {side} and {patch}"));
        }
        if heads == 0 || !(1..=4096).contains(&width) || !width.is_multiple_of(heads) {
            return Some(format!("width must be a multiple of heads up to 4096, got {width} and {heads}"));
        }
        if !(1..=16384).contains(&hidden) {
            return Some(format!("hidden must be 1 to 16384, got {hidden}"));
        }
        let least = self.levels();
        (!(least..=48).contains(&layers))
            .then(|| format!("layers must be {least} to 48 with patches of {patch}, got {layers}"))
    }
}

/// One level of the decoder.
#[derive(Module, Debug)]
struct Level {
    /// From the coarser level.
    up: TransposedVolume,
    /// From an inner layer's tokens; from the volume itself at the finest level, where there is none.
    skip: Vec<TransposedVolume>,
    block: VolumeBlock,
}

/// Transformer over patches of a volume, with a convolutional decoder (UNETR, Hatamizadeh et al. 2022).
///
/// Patches become tokens with learned positions; every token sees every other in each layer. The decoder starts from the
/// last layer's tokens as a coarse volume and doubles its sides level by level; each level sees tokens of an earlier
/// layer, enlarged as often as it takes, and the finest one the volume itself.
#[derive(Module, Debug)]
pub struct Unetr {
    embed: Linear,
    positions: Param<Tensor<2>>,
    layers: Vec<TransformerLayer>,
    last: LayerNorm,
    entry: Conv3x3x3,
    first: VolumeBlock,
    levels: Vec<Level>,
    norm: Norm,
    exit: Conv3x3x3,
    patch: usize,
    grid: usize,
}

impl Unetr {
    /// A network with fresh weights, whose output is 0 everywhere.
    #[must_use]
    pub fn new(options: &UnetrOptions, fresh: &Fresh) -> Self {
        let UnetrOptions { inputs, outputs, patch, width, hidden, heads, base, groups, .. } = *options;
        let part = |name| fresh.part(name);
        let coarsest = options.levels() - 1;
        let levels = (0..=coarsest).rev().enumerate().map(|(index, level)| {
            let fresh = part("levels").part(index);
            let (below, output) = (if level == coarsest { width } else { base << (level + 1) }, base << level);
            let steps = if level == 0 { 0 } else { options.levels() - level };
            let skip = (0..steps).map(|step| {
                let input = if step == 0 { width } else { output };
                TransposedVolume::new(input, output, &fresh.part("skip").part(step))
            });
            Level {
                up: TransposedVolume::new(below, output, &fresh.part("up")),
                skip: skip.collect(),
                block: VolumeBlock::new(2 * output, output, groups, &fresh.part("block")),
            }
        });
        let layers =
            (0..options.layers).map(|layer| TransformerLayer::new(width, hidden, heads, &part("layers").part(layer)));
        Self {
            embed: part("embed").linear(inputs * patch.pow(3), width),
            positions: fresh.normal("positions", [options.grid().pow(3), width], POSITION),
            layers: layers.collect(),
            last: fresh.layer_norm(width),
            entry: Conv3x3x3::new(inputs, base, &part("entry")),
            first: VolumeBlock::new(base, base, groups, &part("first")),
            levels: levels.collect(),
            norm: Norm::new(base, groups, true, &part("norm")),
            exit: Conv3x3x3::zeros(base, outputs, &part("exit")),
            patch,
            grid: options.grid(),
        }
    }

    /// # Shapes
    /// - input: `[count, inputs, side, side, side]`
    /// - output: `[count, outputs, side, side, side]`
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        ops::in_pool(|| self.evaluate(x))
    }

    fn evaluate(&self, x: Tensor<5>) -> Tensor<5> {
        let mut tokens = self.embed.forward(patches(x.clone(), self.patch)) + self.positions.val().unsqueeze_dim(0);
        let mut kept = Vec::with_capacity(self.levels.len());
        for (layer, block) in self.layers.iter().enumerate() {
            tokens = block.forward(tokens);
            // The finest level returns to the volume, the others to layers evenly apart.
            if (1..self.levels.len()).any(|level| level * self.layers.len() / self.levels.len() == layer + 1) {
                kept.push(tokens.clone());
            }
        }
        let mut y = self.volume(self.last.forward(tokens));
        for level in &self.levels {
            let skip = match kept.pop() {
                Some(tokens) => level.skip.iter().fold(self.volume(tokens), |v, up| up.forward(v)),
                None => self.first.forward(self.entry.forward(x.clone())),
            };
            y = level.block.forward(Tensor::cat(vec![level.up.forward(y), skip], 1));
        }
        self.exit.forward(self.norm.forward(y, None))
    }

    /// Tokens as a coarse volume, `[count, width, side / patch, …]`.
    fn volume(&self, tokens: Tensor<3>) -> Tensor<5> {
        let [count, _, width] = tokens.dims();
        tokens.swap_dims(1, 2).reshape([count, width, self.grid, self.grid, self.grid])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_default_is_as_large_as_it_says() {
        let options = UnetrOptions::default();
        assert_eq!(options.fault(), None);
        let network = Unetr::new(&options, &Fresh::new(1, &Device::flex()));

        assert_eq!(network.num_params(), 828_713);
    }

    #[test]
    fn fresh_networks_give_0_of_the_shape_that_was_asked_for() {
        for patch in [2, 4, 8] {
            let options = UnetrOptions { inputs: 2, outputs: 3, side: 16, patch, width: 16, ..UnetrOptions::default() };
            let network = Unetr::new(&options, &Fresh::new(1, &Device::flex()));
            let out = network.forward(Tensor::ones([2, 2, 16, 16, 16], &Device::flex()));
            assert_eq!(out.dims(), [2, 3, 16, 16, 16]);
            assert_eq!(out.abs().max().into_scalar::<f32>(), 0.0);
        }
    }

    #[test]
    fn faults_name_what_is_wrong() {
        let good = UnetrOptions::default();
        for (bad, named) in [
            (UnetrOptions { inputs: 0, ..good.clone() }, "inputs"),
            (UnetrOptions { patch: 6, ..good.clone() }, "patch"),
            (UnetrOptions { side: 52, ..good.clone() }, "side"),
            (UnetrOptions { heads: 3, ..good.clone() }, "heads"),
            (UnetrOptions { layers: 2, ..good.clone() }, "layers"),
            (UnetrOptions { groups: 5, ..good.clone() }, "groups"),
        ] {
            assert!(bad.fault().is_some_and(|fault| fault.contains(named)), "{named}");
        }
    }
}
