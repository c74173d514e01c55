use burn::{
    module::Module,
    nn::{LayerNorm, Linear},
    tensor::{Tensor, activation::silu},
};

use super::{Fresh, attention::attended};

/// A layer of a transformer: self-attention, then two dense layers, each after a normalisation and added to its input.
///
/// ```text
/// y = x + W₁ · attention(norm₁(x))
/// out = y + W₃ · SiLU(W₂ · norm₂(y))
/// ```
///
/// where norms run over the values of each token (Vaswani et al. 2017, in the order of Xiong et al. 2020). SiLU stands
/// where many have GELU: it is made of exponentials alone, which every device computes well. W₁ and W₃ are not 0 at
/// first, unlike the ends of other residual branches here: tokens that do not look at each other would learn nothing to
/// look for.
#[derive(Module, Debug)]
pub struct TransformerLayer {
    first_norm: LayerNorm,
    project: Linear,
    out: Linear,
    second_norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
    heads: usize,
}

impl TransformerLayer {
    /// A layer over tokens of `width` values in `heads` heads, which divide it; `hidden` values between the dense layers.
    #[must_use]
    pub fn new(width: usize, hidden: usize, heads: usize, fresh: &Fresh) -> Self {
        Self {
            first_norm: fresh.layer_norm(width),
            project: fresh.part("project").linear(width, 3 * width),
            out: fresh.part("out").linear(width, width),
            second_norm: fresh.layer_norm(width),
            widen: fresh.part("widen").linear(width, hidden),
            narrow: fresh.part("narrow").linear(hidden, width),
            heads,
        }
    }

    /// # Shapes
    /// - input, output: `[count, tokens, width]`
    #[must_use]
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let all = self.project.forward(self.first_norm.forward(x.clone()));
        let x = x + self.out.forward(attended(all, self.heads));
        let inner = silu(self.widen.forward(self.second_norm.forward(x.clone())));
        x + self.narrow.forward(inner)
    }
}
