use burn::{
    module::{Module, Param},
    tensor::Tensor,
};

use super::Fresh;
use crate::ops;

/// Group normalisation (Wu & He 2018), modulated by a condition where there is one, then SiLU.
///
/// ```text
/// out = SiLU(x̂ · γ · (1 + s) + β · (1 + s) + h)
/// ```
///
/// where x̂ has mean 0 and variance 1 over each group's channels and pixels, γ and β are learned, and the condition
/// gives (s, h) per image and channel (Perez et al. 2018).
#[derive(Module, Debug)]
pub struct Norm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    groups: usize,
    silu: bool,
}

impl Norm {
    /// A normalisation over `groups` groups, which divide `channels`.
    #[must_use]
    pub fn new(channels: usize, groups: usize, silu: bool, fresh: &Fresh) -> Self {
        Self { gamma: fresh.constant([channels], 1.0), beta: fresh.constant([channels], 0.0), groups, silu }
    }

    /// # Shapes
    /// - input, output: `[count, channels, …]`, images or volumes
    /// - condition: scale and shift, each `[count, channels]`
    #[must_use]
    pub fn forward<const D: usize>(&self, x: Tensor<D>, condition: Option<[Tensor<2>; 2]>) -> Tensor<D> {
        let (count, channels) = (x.dims()[0], x.dims()[1]);
        let [gamma, beta] = [self.gamma.val(), self.beta.val()].map(|t| t.reshape([1, channels]));
        let (gain, shift) = match condition {
            Some([scale, shift]) => {
                let scale = scale + 1.0;
                (gamma * scale.clone(), beta * scale + shift)
            }
            None => (gamma.expand([count, channels]), beta.expand([count, channels])),
        };
        ops::norm_silu(x, gain, shift, self.groups, self.silu)
    }
}
