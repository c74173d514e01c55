use burn::{module::Module, tensor::Tensor};
use serde::{Deserialize, Serialize};

use super::{Conv3x3, Down, Fresh, NoiseEmbedding, Norm, ResidualBlock, SelfAttention, Up, fault};
use crate::ops::{self, fold, unfold};

/// Sizes of a [`Unet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetOptions {
    /// Whether the network is told the level of noise.
    pub conditioned: bool,
    /// Channels of an image that enters, 1 to 64.
    #[serde(default = "one")]
    pub inputs: usize,
    /// Channels of an image that leaves, 1 to 64.
    #[serde(default = "one")]
    pub outputs: usize,
    /// Side of the blocks of pixels that enter as channels, 1 to 4. With 2 every convolution sees a quarter of the
    /// pixels and twice the distance.
    pub fold: usize,
    /// Channels at the finest level.
    pub base: usize,
    /// Channels of each level, finest first, as multiples of `base`; each level has half the rows and columns of the
    /// one before.
    pub multipliers: Vec<usize>,
    /// Residual blocks of each level, on the way down and again on the way up.
    pub blocks: usize,
    /// Groups of the normalisations; divides `base`.
    pub groups: usize,
    /// Whether the coarsest level has self-attention.
    pub attention: bool,
}

/// What options that are older than images of several channels mean.
fn one() -> usize {
    1
}

impl UnetOptions {
    /// Rows and columns of an image must be multiples of this.
    #[must_use]
    pub fn multiple(&self) -> usize {
        self.fold << (self.multipliers.len() - 1)
    }

    /// Bytes that evaluating the network on one image of `side` × `side` pixels takes at most, without gradients.
    ///
    /// The largest of these, each beside the images that finer levels keep for the way up:
    /// - the blocks of a level on the way up, six of its images: what comes from below and what was kept, joined; the same
    ///   normalised; what the residual is added to, and the output
    /// - the way from a level to the next finer one: its image, enlarged, and the output
    /// - attention: three matrices of every head, each of the square of the pixels, and ten images
    /// - the ends: the image, folded, and the finest level's; and back
    #[must_use]
    pub fn activation_bytes(&self, side: usize) -> u64 {
        let pixels = |level: usize| ((side / self.fold) >> level).max(1).pow(2);
        // Values of one image of each level.
        let images: Vec<usize> = self.multipliers.iter().enumerate().map(|(l, m)| m * self.base * pixels(l)).collect();
        let kept = |level: usize| images[..level].iter().sum::<usize>();
        let blocks = (0..images.len()).map(|level| 6 * images[level] + kept(level));
        let ups = (1..images.len()).map(|level| images[level] * (1 + 4) + images[level - 1] + kept(level));
        let coarsest = images.len() - 1;
        let attention = self.attention.then(|| {
            let heads = SelfAttention::heads(self.multipliers[coarsest] * self.base);
            3 * heads * pixels(coarsest).pow(2) + 10 * images[coarsest] + kept(coarsest)
        });
        let ends = 2 * self.inputs.max(self.outputs) * self.fold.pow(2) * pixels(0) + 3 * images[0];
        let values = blocks.chain(ups).chain(attention).chain([ends]).max().unwrap_or(0);
        (values * size_of::<f32>()) as u64
    }

    /// What is wrong with these sizes, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        fault::of_channels(self.inputs, self.outputs)
            .or_else(|| fault::of_blocks(self.fold, self.blocks))
            .or_else(|| fault::of_levels(self.base, &self.multipliers, self.groups))
    }
}

/// One level on the way down or up.
#[derive(Module, Debug)]
struct Level {
    blocks: Vec<ResidualBlock>,
    down: Option<Down>,
    up: Option<Up>,
}

/// Residual UNet from images to images, told the level of noise where it is conditioned.
///
/// Levels of residual blocks on the way down, two blocks with self-attention between them (where asked for) at the
/// bottom, and on the way up levels whose first block sees the output of their counterpart beside what comes from
/// below (Ronneberger et al. 2015, Ho et al. 2020). It is convolutional: any size that is a multiple of
/// [`UnetOptions::multiple`] will do.
#[derive(Module, Debug)]
pub struct Unet {
    embedding: Option<NoiseEmbedding>,
    entry: Conv3x3,
    down: Vec<Level>,
    before: ResidualBlock,
    attention: Option<SelfAttention>,
    after: ResidualBlock,
    up: Vec<Level>,
    norm: Norm,
    exit: Conv3x3,
    fold: usize,
}

impl Unet {
    /// A network with fresh weights, whose output is 0 everywhere.
    #[must_use]
    pub fn new(options: &UnetOptions, fresh: &Fresh) -> Self {
        let UnetOptions { inputs, outputs, fold, base, groups, .. } = *options;
        let widths: Vec<usize> = options.multipliers.iter().map(|m| m * base).collect();
        let condition = options.conditioned.then_some(4 * base);
        let part = |name| fresh.part(name);
        let block = |input, output, fresh: &Fresh| ResidualBlock::new(input, output, groups, condition, fresh);
        let (finest, coarsest) = (widths[0], widths[widths.len() - 1]);
        let down = widths.iter().enumerate().map(|(level, width)| {
            let fresh = part("down").part(level);
            let blocks = (0..options.blocks).map(|i| block(*width, *width, &fresh.part("blocks").part(i)));
            let next = widths.get(level + 1);
            Level {
                blocks: blocks.collect(),
                down: next.map(|next| Down::new(*width, *next, &fresh.part("down"))),
                up: None,
            }
        });
        let up = widths.iter().rev().enumerate().map(|(level, width)| {
            let fresh = part("up").part(level);
            let input = |i| if i == 0 { 2 * width } else { *width };
            let blocks = (0..options.blocks).map(|i| block(input(i), *width, &fresh.part("blocks").part(i)));
            let next = widths.iter().rev().nth(level + 1);
            Level {
                blocks: blocks.collect(),
                down: None,
                up: next.map(|next| Up::new(*width, *next, &fresh.part("up"))),
            }
        });
        Self {
            embedding: condition.map(|width| NoiseEmbedding::new(width, &part("embedding"))),
            entry: Conv3x3::new(inputs * fold * fold, finest, &part("entry")),
            down: down.collect(),
            before: block(coarsest, coarsest, &part("before")),
            attention: options.attention.then(|| SelfAttention::new(coarsest, groups, &part("attention"))),
            after: block(coarsest, coarsest, &part("after")),
            up: up.collect(),
            norm: Norm::new(finest, groups, true, &part("norm")),
            exit: Conv3x3::zeros(finest, outputs * fold * fold, &part("exit")),
            fold,
        }
    }

    /// What each level makes of an image on the way down, finest first; for networks without condition.
    ///
    /// # Shapes
    /// - input: `[count, inputs, rows, columns]`, both multiples of [`UnetOptions::multiple`]
    /// - level l: `[count, base · multiplier, rows / (fold · 2ˡ), columns / (fold · 2ˡ)]`
    #[must_use]
    pub fn features(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = self.entry.forward(fold(x, self.fold));
        let mut features = Vec::with_capacity(self.down.len());
        for level in &self.down {
            x = level.blocks.iter().fold(x, |x, block| block.forward(x, None));
            features.push(x.clone());
            if let Some(down) = &level.down {
                x = down.forward(x);
            }
        }
        features
    }

    /// # Shapes
    /// - input: `[count, inputs, rows, columns]`, both multiples of [`UnetOptions::multiple`]
    /// - output: `[count, outputs, rows, columns]`
    /// - `ln_sigma`: `[count]`, the logarithm of each image's level of noise; not looked at by a network without condition
    #[must_use]
    pub fn forward(&self, x: Tensor<4>, ln_sigma: Option<Tensor<1>>) -> Tensor<4> {
        ops::in_pool(|| self.evaluate(x, ln_sigma))
    }

    fn evaluate(&self, x: Tensor<4>, ln_sigma: Option<Tensor<1>>) -> Tensor<4> {
        let condition = self.embedding.as_ref().zip(ln_sigma).map(|(embedding, level)| embedding.forward(level));
        let condition = condition.as_ref();
        let mut x = self.entry.forward(fold(x, self.fold));
        let mut skips = Vec::with_capacity(self.down.len());
        for level in &self.down {
            x = level.blocks.iter().fold(x, |x, block| block.forward(x, condition));
            skips.push(x.clone());
            x = match &level.down {
                Some(down) => down.forward(x),
                None => x,
            };
        }
        x = self.before.forward(x, condition);
        if let Some(attention) = &self.attention {
            x = attention.forward(x);
        }
        x = self.after.forward(x, condition);
        for level in &self.up {
            if let Some(skip) = skips.pop() {
                x = Tensor::cat(vec![x, skip], 1);
            }
            x = level.blocks.iter().fold(x, |x, block| block.forward(x, condition));
            x = match &level.up {
                Some(up) => up.forward(x),
                None => x,
            };
        }
        unfold(self.exit.forward(self.norm.forward(x, None)), self.fold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLDER: &str =
        "conditioned = true\nfold = 2\nbase = 8\nmultipliers = [1, 2]\nblocks = 1\ngroups = 4\nattention = false\n";

    #[test]
    fn older_options_have_one_channel() {
        let options: UnetOptions = toml::from_str(OLDER).unwrap();
        assert_eq!((options.inputs, options.outputs), (1, 1));
        let newer: UnetOptions = toml::from_str(&format!("{OLDER}inputs = 9\noutputs = 4\n")).unwrap();
        assert_eq!((newer.inputs, newer.outputs), (9, 4));
        assert_eq!(newer.fault(), None);
        for (inputs, outputs, named) in [(0, 1, "inputs"), (65, 1, "inputs"), (1, 0, "outputs"), (1, 65, "outputs")] {
            let fault = UnetOptions { inputs, outputs, ..options.clone() }.fault().unwrap();
            assert!(fault.contains(named), "{fault}");
        }
    }
}
