//! What a DICOM file states beside values, spacing and grid.

use std::{
    collections::BTreeMap,
    io::{Read, Seek},
    path::Path,
};

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::{
    dataset::Dataset,
    elements::decimal,
    study::{Place, is_zip},
};
use crate::{
    data::ImageInfo,
    io::{
        IoError,
        sign::{self, Kind},
        volume::{VolumeFormat, series_of},
    },
};

/// Facts of an exposure and of what it shows, which tell nothing of whom.
const TECHNICAL: [Tag; 28] = [
    tags::BODY_PART_EXAMINED,
    tags::KVP,
    tags::DISTANCE_SOURCE_TO_DETECTOR,
    tags::DISTANCE_SOURCE_TO_PATIENT,
    tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR,
    tags::EXPOSURE_TIME,
    tags::X_RAY_TUBE_CURRENT,
    tags::EXPOSURE,
    tags::EXPOSURE_INU_AS,
    IMAGER_PIXEL_SPACING,
    tags::FOCAL_SPOTS,
    tags::EXPOSURE_INDEX,
    tags::TARGET_EXPOSURE_INDEX,
    tags::DEVIATION_INDEX,
    tags::PATIENT_POSITION,
    tags::VIEW_POSITION,
    tags::DETECTOR_TYPE,
    tags::PATIENT_ORIENTATION,
    tags::LATERALITY,
    tags::IMAGE_LATERALITY,
    tags::PIXEL_SPACING,
    tags::PIXEL_SPACING_CALIBRATION_TYPE,
    tags::BURNED_IN_ANNOTATION,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::LOSSY_IMAGE_COMPRESSION_RATIO,
    tags::LOSSY_IMAGE_COMPRESSION_METHOD,
    tags::IMAGE_TYPE,
    tags::POSITIONER_TYPE,
];
const IMAGER_PIXEL_SPACING: Tag = tags::IMAGER_PIXEL_SPACING;

/// Who was exposed and when, and the character set of the names.
const IDENTITY: [Tag; 9] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::STUDY_DATE,
    tags::ACCESSION_NUMBER,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
];

/// What a DICOM file states beside values, spacing and grid. Other formats keep none of it.
///
/// The usual one is of something made from an image of unknown origin, to be looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DicomAttributes {
    /// The pixels were computed and never exposed: SIMULATED among the values of ImageType.
    pub simulated: bool,
    /// The values are a detector's own: FOR PROCESSING in place of FOR PRESENTATION.
    pub raw: bool,
    /// How a radiograph's values are to be seen and go with the beam's intensity.
    pub info: ImageInfo,
    /// How it was made, in a line: DerivationDescription.
    pub derivation: String,
    /// What is copied from a source, or known of the exposure.
    pub stated: StatedAttributes,
}

/// Values of attributes, as a DICOM file stored them or is to store them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatedAttributes {
    keeps_identity: bool,
    values: BTreeMap<Tag, Vec<u8>>,
}

/// How a radiograph was exposed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    /// Voltage of the tube in kV, if it is known: KVP.
    pub kvp: Option<f64>,
    /// Product of the tube's current and the time, in mAs: ExposureInuAs, and Exposure where it is whole.
    pub mas: f64,
    /// From the focal spot to the detector, in mm: DistanceSourceToDetector.
    pub source_detector_mm: f64,
    /// Exposure index of IEC 62494-1, where it is known: ExposureIndex.
    pub index: Option<f64>,
}

impl DicomAttributes {
    /// What a DICOM file, or the first slice of a series, states of its exposure; `None` where it is not DICOM. `series` chooses one
    /// of several, see [`crate::io::read_series`].
    ///
    /// With `keep_identity` also the patient's name, number, birth date and sex, and the study's UID, date, number and accession
    /// number; without it these are not even looked at.
    ///
    /// # Errors
    /// [`IoError`] when the file cannot be read or is damaged.
    pub fn of_source(
        path: impl AsRef<Path>,
        series: Option<usize>,
        keep_identity: bool,
    ) -> Result<Option<Self>, IoError> {
        let path = path.as_ref();
        let place = if path.is_dir() || is_zip(path) {
            series_of(path, series)?.map(|series| series.first().clone())
        } else {
            (sign::kind(path)? == Kind::Volume(VolumeFormat::Dicom)).then(|| Place::File(path.to_owned()))
        };
        place.map(|place| Ok(Self::of(&place.open()?, keep_identity))).transpose()
    }

    fn of<R: Read + Seek>(dataset: &Dataset<R>, keep_identity: bool) -> Self {
        let mut values = BTreeMap::new();
        for tag in TECHNICAL {
            // These are of characters that every set has; others are none of theirs.
            if let Some(value) = dataset.bytes(tag).filter(|value| value.iter().all(|b| (b' '..=b'~').contains(b))) {
                values.insert(tag, value.to_vec());
            }
        }
        if keep_identity {
            values.extend(IDENTITY.into_iter().filter_map(|tag| Some((tag, dataset.bytes(tag)?.to_vec()))));
        }
        let kind = values.remove(&tags::IMAGE_TYPE).unwrap_or_default();
        let simulated = String::from_utf8_lossy(&kind).split('\\').any(|word| word.trim() == "SIMULATED");
        let stated = StatedAttributes { keeps_identity: keep_identity, values };
        Self { simulated, stated, ..Self::default() }
    }

    /// With how it was exposed in place of what was stated of that.
    #[must_use]
    pub fn with_exposure(mut self, exposure: &Exposure) -> Self {
        let Exposure { kvp, mas, source_detector_mm, index } = *exposure;
        let decimals = [
            (tags::KVP, kvp),
            (tags::DISTANCE_SOURCE_TO_DETECTOR, Some(source_detector_mm)),
            (tags::EXPOSURE_INDEX, index),
        ];
        for (tag, value) in decimals {
            if let Some(value) = value {
                self.state(tag, &decimal(value));
            }
        }
        // The first is in whole mAs, and is left out where it would be another number than the second.
        self.stated.values.remove(&tags::EXPOSURE);
        if mas.fract() == 0.0 {
            self.state(tags::EXPOSURE, &mas.to_string());
        }
        self.state(tags::EXPOSURE_INU_AS, &format!("{:.0}", 1000.0 * mas));
        self
    }

    /// With the directions of the rows, to the right, and of the columns, down: of L, R, A, P, H and F, nearest first.
    #[must_use]
    pub fn with_orientation(mut self, [right, down]: [&str; 2]) -> Self {
        self.state(tags::PATIENT_ORIENTATION, &format!("{right}\\{down}"));
        self
    }

    /// Whether the file says which way the patient lies in the picture.
    #[must_use]
    pub fn states_orientation(&self) -> bool {
        self.text(tags::PATIENT_ORIENTATION).is_some()
    }

    fn state(&mut self, tag: Tag, text: &str) {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(2), b' ');
        self.stated.values.insert(tag, bytes);
    }

    pub(super) fn keeps_identity(&self) -> bool {
        self.stated.keeps_identity
    }

    /// A value as it is stored.
    pub(super) fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        self.stated.values.get(&tag).map(Vec::as_slice)
    }

    /// A value without its padding; none where it is empty.
    pub(super) fn text(&self, tag: Tag) -> Option<&str> {
        let text = str::from_utf8(self.bytes(tag)?).ok()?.trim_matches(['\0', ' ']);
        (!text.is_empty()).then_some(text)
    }

    /// Two positive decimal numbers.
    pub(super) fn pair(&self, tag: Tag) -> Option<[f64; 2]> {
        let (a, b) = self.text(tag)?.split_once('\\')?;
        let pair = [a.trim().parse().ok()?, b.trim().parse().ok()?];
        pair.iter().all(|n: &f64| n.is_finite() && *n > 0.0).then_some(pair)
    }
}
