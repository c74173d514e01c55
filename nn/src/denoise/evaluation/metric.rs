use serde::{Deserialize, Serialize};

/// What is measured of a method in a condition, one value per image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Peak signal-to-noise ratio, range 1.
    Psnr,
    /// Structural similarity of Wang et al. 2004, range 1.
    Ssim,
    /// The same over five scales; none where a side has 160 pixels or fewer.
    MsSsim,
    /// Share of edges that are sharp; none below 64 pixels or without an edge. Noise raises it.
    Cpbd,
    /// Distance of the features of the built-in network ([`crate::feature_distance`]).
    FeatureDistance,
    /// Energy of what is not in the clean image at the size of lesions, relative to that of the noise.
    FalseStructure,
    /// Share of the contrast of inserts that is left.
    ContrastRecovery,
    /// Step of the chain at which the image entered.
    Start,
    /// Wall time.
    Seconds,
}

/// Which values are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    Higher,
    Lower,
    /// A number that ranks nobody.
    Neither,
}

impl Metric {
    /// All, in the order of the tables.
    pub const ALL: [Self; 9] = [
        Self::Psnr,
        Self::Ssim,
        Self::MsSsim,
        Self::FeatureDistance,
        Self::FalseStructure,
        Self::ContrastRecovery,
        Self::Cpbd,
        Self::Start,
        Self::Seconds,
    ];

    /// Name with unit, for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Psnr => "PSNR (dB)",
            Self::Ssim => "SSIM",
            Self::MsSsim => "MS-SSIM",
            Self::FeatureDistance => "Feature distance",
            Self::Cpbd => "CPBD",
            Self::FalseStructure => "False structure",
            Self::ContrastRecovery => "Contrast recovery of inserts",
            Self::Start => "Start t* of the chain",
            Self::Seconds => "Seconds per image",
        }
    }

    pub(super) fn better(self) -> Better {
        match self {
            Self::Psnr | Self::Ssim | Self::MsSsim => Better::Higher,
            Self::FeatureDistance | Self::FalseStructure => Better::Lower,
            Self::Cpbd | Self::ContrastRecovery | Self::Start | Self::Seconds => Better::Neither,
        }
    }

    pub(super) fn decimals(self) -> usize {
        match self {
            Self::Psnr => 2,
            Self::Ssim | Self::MsSsim | Self::FeatureDistance => 4,
            Self::Cpbd | Self::FalseStructure | Self::ContrastRecovery => 3,
            Self::Start => 1,
            Self::Seconds => 2,
        }
    }
}
