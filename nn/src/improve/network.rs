use burn::{module::Module, tensor::Tensor};
use serde::{Deserialize, Serialize};

use super::Pieces;
use crate::networks::{Fresh, Unet, UnetOptions};

/// Kind and sizes of a [`Network`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetworkOptions {
    /// For slices.
    Unet(UnetOptions),
}

/// A network from pieces of a volume to what is added to them.
#[derive(Module, Debug)]
pub enum Network {
    /// For slices.
    Unet(Unet),
}

impl NetworkOptions {
    /// A network with fresh weights, whose output is 0 everywhere.
    #[must_use]
    pub fn network(&self, fresh: &Fresh) -> Network {
        match self {
            Self::Unet(options) => Network::Unet(Unet::new(options, &fresh.part("Unet"))),
        }
    }

    /// Sides of a piece must be multiples of this.
    #[must_use]
    pub fn multiple(&self) -> usize {
        match self {
            Self::Unet(options) => options.multiple(),
        }
    }

    /// Bytes that evaluating the network on one piece takes at most, without gradients.
    #[must_use]
    pub fn activation_bytes(&self, size: [usize; 3]) -> u64 {
        match self {
            Self::Unet(options) => options.activation_bytes(size.into_iter().max().unwrap_or(1)),
        }
    }

    /// What is wrong with these sizes, or with such pieces, if anything.
    pub(super) fn fault(&self, pieces: Pieces) -> Option<String> {
        match (self, pieces) {
            (Self::Unet(_), Pieces::Patch(_)) => {
                Some("a unet is for slices: pieces must be axial, coronal or sagittal".to_owned())
            }
            (Self::Unet(options), _) if options.conditioned => Some("conditioned must be false".to_owned()),
            (Self::Unet(options), _) => options.fault(),
        }
    }
}

impl Network {
    /// What is added to pieces, in units of 1400 HU.
    ///
    /// # Shapes
    /// - input, output: `[count, 1, planes, rows, columns]`, of which one side is 1 for networks of slices
    #[must_use]
    pub fn forward(&self, pieces: Tensor<5>) -> Tensor<5> {
        let shape = pieces.dims();
        match self {
            Self::Unet(network) => {
                let [count, _, planes, rows, columns] = shape;
                let sides: Vec<usize> = [planes, rows, columns].into_iter().filter(|side| *side != 1).collect();
                let [rows, columns] = sides.try_into().unwrap_or([rows.max(planes), columns]);
                network.forward(pieces.reshape([count, 1, rows, columns]), None).reshape(shape)
            }
        }
    }
}
