use std::fmt;

/// Physical unit of the values in a volume, a projection stack or an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Unit {
    /// Linear attenuation coefficient µ in mm⁻¹.
    PerMillimetre,
    /// CT number in Hounsfield units: 1000·(µ − µ_water)/µ_water.
    Hounsfield,
    /// Line integral ∫µ dl, dimensionless.
    LineIntegral,
    /// Detector signal relative to the unattenuated beam, in [0, 1].
    Transmission,
    /// Counts of a detector's read-out.
    Counts,
    /// Energy that a detector's pixel takes, in keV.
    Kiloelectronvolt,
    /// Length, in mm.
    Millimetre,
    /// Dose or air kerma, in mGy.
    Milligray,
    /// Stored numbers without a known physical meaning.
    #[default]
    Arbitrary,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PerMillimetre => "mm⁻¹",
            Self::Hounsfield => "HU",
            Self::LineIntegral => "line integral",
            Self::Transmission => "transmission",
            Self::Counts => "counts",
            Self::Kiloelectronvolt => "keV",
            Self::Millimetre => "mm",
            Self::Milligray => "mGy",
            Self::Arbitrary => "arbitrary",
        })
    }
}
