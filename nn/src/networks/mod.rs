//! Networks, one part a file: images are `[count, channels, rows, columns]` everywhere, volumes
//! `[count, channels, planes, rows, columns]`.

mod attention;
mod classifier;
mod conv;
mod fault;
mod fresh;
mod noise_embedding;
mod norm;
mod resample;
mod residual;
mod transformer;
mod unet;
mod unet3d;
mod unetr;
mod volume;

pub use attention::SelfAttention;
pub use classifier::{Classifier, ClassifierOptions};
pub use conv::{Conv3x3, Conv3x3x3, Depthwise, Mix, max_pool};
pub use fresh::Fresh;
pub use noise_embedding::NoiseEmbedding;
pub use norm::Norm;
pub use resample::{Down, Up};
pub use residual::ResidualBlock;
pub use transformer::TransformerLayer;
pub use unet::{Unet, UnetOptions};
pub use unet3d::{Unet3d, Unet3dOptions};
pub use unetr::{Unetr, UnetrOptions};
pub use volume::{TransposedVolume, VolumeBlock, patches, unfold_volume};
