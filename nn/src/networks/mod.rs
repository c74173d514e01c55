//! Networks, one part a file: images are `[count, channels, rows, columns]` everywhere.

mod attention;
mod conv;
mod fresh;
mod noise_embedding;
mod norm;
mod resample;
mod residual;
mod unet;

pub use attention::SelfAttention;
pub use conv::Conv3x3;
pub use fresh::Fresh;
pub use noise_embedding::NoiseEmbedding;
pub use norm::Norm;
pub use resample::{Down, Up, fold, unfold};
pub use residual::ResidualBlock;
pub use unet::{Unet, UnetOptions};
