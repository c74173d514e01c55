//! Radiographs as Digital X-Ray images (PS3.3, A.26).

use std::path::Path;

use dicom_core::{PrimitiveValue, Tag};
use dicom_dictionary_std::tags;
use sha2::Digest as _;

use super::{
    attributes::DicomAttributes,
    elements::{Elements, sizes, uid},
};
use crate::{
    data::{DisplayRange, Image, Sample, Trend},
    io::{
        IoError,
        atomic::{refusal, write_bytes},
        pixel_values::integers,
    },
};

const FOR_PRESENTATION: &str = "1.2.840.10008.5.1.4.1.1.1.1";
const FOR_PROCESSING: &str = "1.2.840.10008.5.1.4.1.1.1.1.1";
/// Fewest bits that the format knows (PS3.3, C.8.11.3).
const LEAST_BITS: u8 = 6;
/// What an image needs that states no spacing.
const SPACING_NEEDED: &str = "the distances between its pixels in mm, which DICOM radiographs must state";

/// Why float values do not go into a radiograph, whose rescaling is fixed.
pub(in crate::io) fn float(path: &Path) -> IoError {
    IoError::Unsupported {
        path: path.to_owned(),
        what: "a float image as a DICOM radiograph".to_owned(),
        remedy: "map it to 8 or 16 bits first, or write .tiff or .npy",
    }
}

/// Writes a radiograph of unsigned integers.
pub(in crate::io) fn write(path: &Path, image: &Image, attributes: &DicomAttributes) -> Result<(), IoError> {
    let Sample::Unsigned { bits } = image.sample() else { return Err(float(path)) };
    let pixels = integers(path, image, bits)?;
    let Some(spacing) = image.spacing_mm() else {
        return Err(IoError::SpacingMissing { path: path.to_owned(), needed: SPACING_NEEDED });
    };
    let size = sizes(path, image.size())?;
    let class = if attributes.raw { FOR_PROCESSING } else { FOR_PRESENTATION };
    let mut elements = Elements::new(class, "DX", attributes);
    elements.grey(
        size,
        if attributes.info.inverted { "MONOCHROME1" } else { "MONOCHROME2" },
        bits.max(LEAST_BITS).into(),
        false,
    );
    describe(&mut elements, spacing, bits, attributes);
    let bytes = elements.hash().and_then(|hash| {
        let stored: Vec<u8> = pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
        let hash = hash.chain_update(stored);
        elements.series(attributes, &hash);
        elements.file(&uid(&hash, "instance"), PrimitiveValue::U16(pixels.into()))
    });
    write_bytes(path, &bytes.map_err(|error| refusal(path, error))?)
}

/// All but pixels and UIDs, of an image with so many bits and such distances between columns and rows.
fn describe(elements: &mut Elements, spacing: [f64; 2], bits: u8, attributes: &DicomAttributes) {
    let info = &attributes.info;
    elements.text(tags::PRESENTATION_INTENT_TYPE, if attributes.raw { "FOR PROCESSING" } else { "FOR PRESENTATION" });
    elements.text(
        tags::IMAGE_TYPE,
        if attributes.simulated { "DERIVED\\PRIMARY\\\\SIMULATED" } else { "DERIVED\\PRIMARY" },
    );
    elements.text(tags::PIXEL_INTENSITY_RELATIONSHIP, if info.linear { "LIN" } else { "LOG" });
    let rises = info.intensity.map_or(info.grows_with_exposure(), |trend| trend == Trend::Rising);
    elements.signed(tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN, if rises { 1 } else { -1 });
    elements.decimals(tags::RESCALE_INTERCEPT, &[0.0]);
    elements.decimals(tags::RESCALE_SLOPE, &[1.0]);
    elements.text(tags::RESCALE_TYPE, "US");
    elements.text(tags::PRESENTATION_LUT_SHAPE, if info.inverted { "INVERSE" } else { "IDENTITY" });
    // What nothing is known of may have a name in it.
    let burned_in = attributes.text(tags::BURNED_IN_ANNOTATION);
    elements.text(tags::BURNED_IN_ANNOTATION, burned_in.unwrap_or(if attributes.simulated { "NO" } else { "YES" }));
    if !attributes.raw {
        let levels = f64::from(1_u32 << bits);
        let whole = DisplayRange { centre: levels / 2.0, width: levels };
        let DisplayRange { centre, width } = info.window.unwrap_or(whole);
        elements.decimals(tags::WINDOW_CENTER, &[centre]);
        elements.decimals(tags::WINDOW_WIDTH, &[width]);
    }

    for tag in [tags::PATIENT_ORIENTATION, tags::DETECTOR_TYPE, tags::POSITIONER_TYPE] {
        elements.copy(attributes, tag);
    }
    let side = attributes.text(tags::IMAGE_LATERALITY).or(attributes.text(tags::LATERALITY));
    elements.text(tags::IMAGE_LATERALITY, side.filter(|side| ["R", "L", "U", "B"].contains(side)).unwrap_or("U"));
    elements.no_items(tags::ANATOMIC_REGION_SEQUENCE);
    elements.no_items(tags::ACQUISITION_CONTEXT_SEQUENCE);
    for tag in STATED {
        elements.copy_if_stated(attributes, tag);
    }
    spacings(elements, spacing, attributes);
}

/// What is said of the exposure where the source says it.
const STATED: [Tag; 14] = [
    tags::BODY_PART_EXAMINED,
    tags::VIEW_POSITION,
    tags::KVP,
    tags::DISTANCE_SOURCE_TO_DETECTOR,
    tags::DISTANCE_SOURCE_TO_PATIENT,
    tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR,
    tags::EXPOSURE_TIME,
    tags::X_RAY_TUBE_CURRENT,
    tags::EXPOSURE,
    tags::EXPOSURE_INU_AS,
    tags::FOCAL_SPOTS,
    tags::EXPOSURE_INDEX,
    tags::TARGET_EXPOSURE_INDEX,
    tags::DEVIATION_INDEX,
];

/// The pixels' distances on the detector, and in the patient where the source calibrates them. DICOM names the rows' distance first.
fn spacings(elements: &mut Elements, [columns, rows]: [f64; 2], attributes: &DicomAttributes) {
    let own = [rows, columns];
    let imager = attributes.pair(tags::IMAGER_PIXEL_SPACING);
    let calibration = attributes.text(tags::PIXEL_SPACING_CALIBRATION_TYPE);
    let is_calibrated = attributes.pair(tags::PIXEL_SPACING) == Some(own)
        && imager.is_some_and(|imager| calibration.is_some() || imager != own);
    elements.decimals(tags::IMAGER_PIXEL_SPACING, &imager.filter(|_| is_calibrated).unwrap_or(own));
    if is_calibrated {
        elements.decimals(tags::PIXEL_SPACING, &own);
        if let Some(calibration) = calibration {
            elements.text(tags::PIXEL_SPACING_CALIBRATION_TYPE, calibration);
            elements.text(tags::PIXEL_SPACING_CALIBRATION_DESCRIPTION, "as the source states");
        }
    }
}
