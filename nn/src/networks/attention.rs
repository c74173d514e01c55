use burn::{
    module::Module,
    nn::Linear,
    tensor::{Tensor, activation::softmax},
};

use super::{Fresh, Norm};

/// Channels of a head.
const HEAD: usize = 32;

/// Self-attention between all pixels, added to the input.
///
/// ```text
/// out = x + W · softmax(q kᵀ / √d) v,    (q, k, v) = rows of V · norm(x)
/// ```
///
/// where d is the number of channels of a head (Vaswani et al. 2017). Memory grows with the square of the number of
/// pixels, so it belongs to the smallest images of a network.
#[derive(Module, Debug)]
pub struct SelfAttention {
    norm: Norm,
    project: Linear,
    out: Linear,
    heads: usize,
}

impl SelfAttention {
    /// Attention over `channels` channels in heads of 32, or one head where 32 does not divide them.
    #[must_use]
    pub fn new(channels: usize, groups: usize, fresh: &Fresh) -> Self {
        Self {
            norm: Norm::new(channels, groups, false, fresh),
            project: fresh.part("project").linear(channels, 3 * channels),
            out: fresh.part("out").linear(channels, channels),
            heads: Self::heads(channels),
        }
    }

    /// Heads over so many channels.
    pub(super) fn heads(channels: usize) -> usize {
        if channels.is_multiple_of(HEAD) { channels / HEAD } else { 1 }
    }

    /// # Shapes
    /// - input, output: `[count, channels, rows, columns]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [count, channels, rows, columns] = x.dims();
        let sequence = self.norm.forward(x.clone(), None).reshape([count, channels, rows * columns]).swap_dims(1, 2);
        let mixed = self.out.forward(attended(self.project.forward(sequence), self.heads));
        let mixed = mixed.swap_dims(1, 2).reshape([count, channels, rows, columns]);
        x + mixed
    }
}

/// softmax(q kᵀ / √d) v of every head.
///
/// # Shapes
/// - `all`: `[count, places, 3 channels]`, queries, keys and values beside each other
/// - output: `[count, places, channels]`
pub(super) fn attended(all: Tensor<3>, heads: usize) -> Tensor<3> {
    let [count, places, channels] = all.dims();
    let (channels, width) = (channels / 3, channels / 3 / heads);
    let all = all.reshape([count, places, 3 * heads, width]).swap_dims(1, 2);
    let [q, k, v] = [0, 1, 2].map(|part| {
        let of_part = part * heads..(part + 1) * heads;
        all.clone().slice([0..count, of_part, 0..places, 0..width])
    });
    let weights = softmax(q.matmul(k.swap_dims(2, 3)) / (width as f64).sqrt(), 3);
    weights.matmul(v).swap_dims(1, 2).reshape([count, places, channels])
}
