//! Elements of a file that is written, and what every file of kerma's has.

use std::{io, path::Path};

use dicom_core::{DataElement, PrimitiveValue, Tag, VR, dictionary::DataDictionary, value::DataSetSequence};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use sha2::{Digest as _, Sha256};

use super::attributes::DicomAttributes;
use crate::io::IoError;

/// Explicit VR little endian.
const TRANSFER_SYNTAX: &str = "1.2.840.10008.1.2.1";
/// Most characters of a decimal string (PS3.5, 6.2).
const DECIMAL_CHARS: usize = 16;
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What was done with the source's identity.
const DEIDENTIFICATION: &str = "kerma: patient and study not copied; pixels not examined";

/// A data set that grows.
pub(super) struct Elements {
    class: &'static str,
    object: InMemDicomObject,
}

impl Elements {
    /// What all images have: patient, study, series, equipment, and the common part of the image.
    pub(super) fn new(class: &'static str, modality: &str, attributes: &DicomAttributes) -> Self {
        let mut new = Self { class, object: InMemDicomObject::new_empty() };
        new.text(tags::SOP_CLASS_UID, class);
        if attributes.bytes(tags::SPECIFIC_CHARACTER_SET).is_some() {
            new.copy(attributes, tags::SPECIFIC_CHARACTER_SET);
        }
        for tag in [tags::PATIENT_NAME, tags::PATIENT_ID, tags::PATIENT_BIRTH_DATE, tags::PATIENT_SEX] {
            new.copy(attributes, tag);
        }
        for tag in [tags::STUDY_DATE, tags::STUDY_TIME, tags::REFERRING_PHYSICIAN_NAME] {
            new.copy(attributes, tag);
        }
        for tag in [tags::STUDY_ID, tags::ACCESSION_NUMBER] {
            new.copy(attributes, tag);
        }
        if !attributes.keeps_identity() {
            // The pixels of a source that has names in them still show whose they are.
            let shows = attributes.text(tags::BURNED_IN_ANNOTATION) == Some("YES");
            new.text(tags::PATIENT_IDENTITY_REMOVED, if shows { "NO" } else { "YES" });
            new.text(tags::DEIDENTIFICATION_METHOD, DEIDENTIFICATION);
        }
        new.text(tags::MODALITY, modality);
        new.text(tags::SERIES_NUMBER, "1");
        new.text(tags::INSTANCE_NUMBER, "1");
        new.text(tags::MANUFACTURER, "kerma");
        new.text(tags::MANUFACTURER_MODEL_NAME, "kerma");
        new.text(tags::SOFTWARE_VERSIONS, VERSION);
        if !attributes.derivation.is_empty() {
            new.text(tags::DERIVATION_DESCRIPTION, &attributes.derivation);
        }
        new.text(tags::LOSSY_IMAGE_COMPRESSION, attributes.text(tags::LOSSY_IMAGE_COMPRESSION).unwrap_or("00"));
        for tag in [tags::LOSSY_IMAGE_COMPRESSION_RATIO, tags::LOSSY_IMAGE_COMPRESSION_METHOD] {
            new.copy_if_stated(attributes, tag);
        }
        new
    }

    /// Columns, rows, bits and sign of grey pixels of two bytes.
    pub(super) fn grey(&mut self, [columns, rows]: [u16; 2], photometric: &str, bits: u16, is_signed: bool) {
        self.text(tags::PHOTOMETRIC_INTERPRETATION, photometric);
        for (tag, value) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, rows),
            (tags::COLUMNS, columns),
            (tags::BITS_ALLOCATED, 16),
            (tags::BITS_STORED, bits),
            (tags::HIGH_BIT, bits - 1),
            (tags::PIXEL_REPRESENTATION, u16::from(is_signed)),
        ] {
            self.object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        }
    }

    /// A text of the dictionary's kind; several values are divided by backslashes.
    pub(super) fn text(&mut self, tag: Tag, text: &str) {
        self.object.put_str(tag, vr(tag), text);
    }

    /// Decimal numbers.
    pub(super) fn decimals(&mut self, tag: Tag, numbers: &[f64]) {
        let texts: Vec<String> = numbers.iter().copied().map(decimal).collect();
        self.text(tag, &texts.join("\\"));
    }

    /// A signed number of 16 bits.
    pub(super) fn signed(&mut self, tag: Tag, value: i16) {
        self.object.put(DataElement::new(tag, VR::SS, PrimitiveValue::from(value)));
    }

    /// A sequence without items.
    pub(super) fn no_items(&mut self, tag: Tag) {
        self.object.put(DataElement::new(tag, VR::SQ, DataSetSequence::empty()));
    }

    /// The source's value as it stands there, or an empty one.
    pub(super) fn copy(&mut self, attributes: &DicomAttributes, tag: Tag) {
        let value = match attributes.bytes(tag) {
            // Bytes of numbers in texts would be written as numbers; those beyond ASCII, of names, are left to their character set.
            Some(bytes) if bytes.is_ascii() => {
                PrimitiveValue::from(String::from_utf8_lossy(bytes).trim_end_matches(['\0', ' ']))
            }
            Some(bytes) => PrimitiveValue::U8(bytes.into()),
            None => PrimitiveValue::Empty,
        };
        self.object.put(DataElement::new(tag, vr(tag), value));
    }

    pub(super) fn copy_if_stated(&mut self, attributes: &DicomAttributes, tag: Tag) {
        if attributes.text(tag).is_some() {
            self.copy(attributes, tag);
        }
    }

    /// Hash of what there is so far.
    pub(super) fn hash(&self) -> io::Result<Sha256> {
        Ok(Sha256::new_with_prefix(encoded(self.class, "", self.object.clone())?))
    }

    /// UIDs of the study, unless the source's is kept, and of the series.
    pub(super) fn series(&mut self, attributes: &DicomAttributes, hash: &Sha256) {
        match attributes.text(tags::STUDY_INSTANCE_UID) {
            Some(_) => self.copy(attributes, tags::STUDY_INSTANCE_UID),
            None => self.text(tags::STUDY_INSTANCE_UID, &uid(hash, "study")),
        }
        self.text(tags::SERIES_INSTANCE_UID, &uid(hash, "series"));
    }

    /// The data set of one image of those that share these elements.
    pub(super) fn image(&self) -> Self {
        Self { class: self.class, object: self.object.clone() }
    }

    /// The file of an image.
    pub(super) fn file(mut self, instance: &str, pixels: PrimitiveValue) -> io::Result<Vec<u8>> {
        self.text(tags::SOP_INSTANCE_UID, instance);
        self.object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, pixels));
        encoded(self.class, instance, self.object)
    }
}

fn encoded(class: &str, instance: &str, object: InMemDicomObject) -> io::Result<Vec<u8>> {
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(TRANSFER_SYNTAX)
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid(instance)
        .implementation_class_uid(uid(&Sha256::new_with_prefix("kerma"), "implementation"))
        .implementation_version_name(format!("KERMA {VERSION}"));
    let mut bytes = Vec::new();
    object.with_meta(meta).map_err(io::Error::other)?.write_all(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Columns and rows as the format holds them.
pub(super) fn sizes(path: &Path, size: [usize; 2]) -> Result<[u16; 2], IoError> {
    let too_large = |_| IoError::Field {
        path: path.to_owned(),
        field: "Rows and Columns".to_owned(),
        got: format!("{} and {}", size[1], size[0]),
        allowed: format!("at most {}", u16::MAX),
    };
    let [columns, rows] = size.map(u16::try_from);
    Ok([columns.map_err(too_large)?, rows.map_err(too_large)?])
}

fn vr(tag: Tag) -> VR {
    StandardDataDictionary.by_tag(tag).map_or(VR::UN, |entry| entry.vr.relaxed())
}

/// The UID of what has a hash and plays a role: 2.25 and the number of a UUID (PS3.5, B.2) of version 8 (RFC 9562, 5.8).
pub(super) fn uid(hash: &Sha256, role: &str) -> String {
    let digest = hash.clone().chain_update(role).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    format!("2.25.{}", u128::from_be_bytes(bytes))
}

/// The decimal string nearest to a number.
pub(super) fn decimal(value: f64) -> String {
    // Without the sign of a 0.
    let value = value + 0.0;
    let exact = value.to_string();
    if exact.len() <= DECIMAL_CHARS {
        return exact;
    }
    let forms = (0..DECIMAL_CHARS).flat_map(|digits| [format!("{value:.digits$}"), format!("{value:.digits$e}")]);
    let error = |text: &String| text.parse().map_or(f64::INFINITY, |read: f64| (read - value).abs());
    let nearest = forms.filter(|text| text.len() <= DECIMAL_CHARS).min_by(|a, b| error(a).total_cmp(&error(b)));
    nearest.unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_fit_sixteen_characters_and_stay_near() {
        let exact = [(0.0, "0"), (-0.0, "0"), (0.143, "0.143"), (-1024.0, "-1024"), (1e15, "1000000000000000")];
        for (value, text) in exact {
            assert_eq!(decimal(value), text);
        }
        for value in [1.0 / 3.0, -1.0 / 3.0, 1.0 / 3e9, -123456.0 / 7.0, 1e22 / 3.0, f64::MIN_POSITIVE, -1e300 / 7.0] {
            let text = decimal(value);
            let read: f64 = text.parse().unwrap();
            assert!(text.len() <= 16 && (read - value).abs() <= 1e-9 * value.abs(), "{value} {text}");
        }
    }

    #[test]
    fn uids_are_functions_of_hash_and_role() {
        let hash = |text: &str| Sha256::new_with_prefix(text);
        let uid_of = uid(&hash("a"), "series");
        assert_eq!(uid_of, uid(&hash("a"), "series"));
        assert!(uid_of != uid(&hash("b"), "series") && uid_of != uid(&hash("a"), "study"));
        let number: u128 = uid_of.strip_prefix("2.25.").unwrap().parse().unwrap();
        assert_eq!((number >> 76 & 0xF, number >> 62 & 0b11), (8, 0b10));
        assert!(uid_of.len() <= 64);
    }
}
