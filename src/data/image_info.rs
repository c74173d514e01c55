/// What an image file says about how its values are to be seen; the values themselves come as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ImageInfo {
    /// The smallest value is the brightest: MONOCHROME1 in DICOM, WhiteIsZero in TIFF.
    pub inverted: bool,
    /// Values are linear in the beam's intensity, not in its logarithm: DICOM's PixelIntensityRelationship LIN.
    pub linear: bool,
    /// Which way values go with the beam's intensity, where the file says so: DICOM's PixelIntensityRelationshipSign.
    pub intensity: Option<Trend>,
    /// Range of values proposed for display.
    pub window: Option<DisplayRange>,
    /// Lowest and highest of the values that stand for no measurement: DICOM's PixelPaddingValue.
    pub padding: Option<[f32; 2]>,
    /// The spacing is that of the detector's own pixels, of which the patient's is smaller: DICOM's ImagerPixelSpacing.
    pub spacing_at_detector: bool,
    /// Graphics to be laid over the image are not part of it.
    pub overlays: bool,
}

impl ImageInfo {
    /// Whether values grow with the exposure, as far as the file says, so that dense matter has the small ones.
    #[must_use]
    pub fn grows_with_exposure(&self) -> bool {
        match self.intensity {
            Some(trend) => trend == Trend::Rising,
            // A detector's signal grows with the exposure, whichever way it is to be shown.
            None => self.linear || self.inverted,
        }
    }
}

/// Which way values go as the intensity of the X-ray beam rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trend {
    /// Small values mean little intensity.
    Rising,
    /// Small values mean much intensity.
    Falling,
}

/// Range of values mapped from black to white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DisplayRange {
    /// Value in the middle of the range.
    pub centre: f64,
    /// Length of the range.
    pub width: f64,
}
