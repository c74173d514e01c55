use burn::{module::Module, tensor::Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    networks::{Fresh, Unet, Unet3d, Unet3dOptions, UnetOptions, Unetr, UnetrOptions},
    volumes::Pieces,
};

/// Kind and sizes of a [`Network`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetworkOptions {
    /// For slices.
    Unet(UnetOptions),
    /// For patches.
    Unet3d(Unet3dOptions),
    /// For patches of one size.
    Unetr(UnetrOptions),
}

/// A network from pieces of a volume to what is added to them.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a model has one of them")]
pub enum Network {
    /// For slices.
    Unet(Unet),
    /// For patches.
    Unet3d(Unet3d),
    /// For patches of one size.
    Unetr(Unetr),
}

impl NetworkOptions {
    /// A network with fresh weights, whose output is 0 everywhere.
    #[must_use]
    pub fn network(&self, fresh: &Fresh) -> Network {
        match self {
            Self::Unet(options) => Network::Unet(Unet::new(options, &fresh.part("Unet"))),
            Self::Unet3d(options) => Network::Unet3d(Unet3d::new(options, &fresh.part("Unet3d"))),
            Self::Unetr(options) => Network::Unetr(Unetr::new(options, &fresh.part("Unetr"))),
        }
    }

    /// Sides of a piece must be multiples of this.
    #[must_use]
    pub fn multiple(&self) -> usize {
        match self {
            Self::Unet(options) => options.multiple(),
            Self::Unet3d(options) => options.multiple(),
            Self::Unetr(options) => options.side,
        }
    }

    /// Bytes that evaluating the network on one piece takes at most, without gradients.
    #[must_use]
    pub fn activation_bytes(&self, size: [usize; 3]) -> u64 {
        match self {
            Self::Unet(options) => options.activation_bytes(size.into_iter().max().unwrap_or(1)),
            Self::Unet3d(options) => options.activation_bytes(size),
            Self::Unetr(options) => options.activation_bytes(),
        }
    }

    /// What is wrong with these sizes, or with such pieces, if anything.
    pub(super) fn fault(&self, pieces: Pieces) -> Option<String> {
        let fault = match self {
            Self::Unet(options) if options.conditioned => Some("conditioned must be false".to_owned()),
            Self::Unet(options) => options.fault(),
            Self::Unet3d(options) => options.fault(),
            Self::Unetr(options) => options.fault(),
        };
        fault.or_else(|| match (self, pieces) {
            (Self::Unet(UnetOptions { inputs, outputs, .. }), _)
            | (Self::Unet3d(Unet3dOptions { inputs, outputs, .. }), _)
            | (Self::Unetr(UnetrOptions { inputs, outputs, .. }), _)
                if [*inputs, *outputs] != [1; 2] =>
            {
                Some(format!("inputs and outputs must be 1, got {inputs} and {outputs}"))
            }
            (Self::Unet(_), Pieces::Patch(_)) => {
                Some("a unet is for slices: pieces must be axial, coronal or sagittal".to_owned())
            }
            (Self::Unetr(UnetrOptions { side, .. }), Pieces::Patch(patch)) if side != &patch => {
                Some(format!("side must be that of the patches, {patch}, got {side}"))
            }
            (Self::Unet(_), _) | (_, Pieces::Patch(_)) => None,
            _ => Some("this kind is for volumes: pieces must be { patch = SIDE }".to_owned()),
        })
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
            Self::Unet3d(network) => network.forward(pieces),
            Self::Unetr(network) => network.forward(pieces),
        }
    }
}
