//! DICOM files that kerma writes: read back by kerma and by dicom-object.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::{fs, path::Path};

use dicom_core::{Tag, dictionary::DataDictionary as _, header::HasLength as _};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::{DefaultDicomObject, open_file};
use glam::{DMat3, DVec3};
use kerma::{
    data::{DataError, DisplayRange, Grid, Image, ImageInfo, Sample, Trend, Unit, Volume},
    io::{
        DicomAttributes, Exposure, IoError, VolumeWriter, cancellable, check_output, read_image, read_volume,
        write_image, write_image_with, write_volume, write_volume_with,
    },
};
use tempfile::TempDir;

/// Attributes of type 1 of the DX image and its modules (PS3.3, A.26): there, with a value.
const DX_TYPE_1: [Tag; 29] = [
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::MODALITY,
    tags::PRESENTATION_INTENT_TYPE,
    tags::IMAGE_TYPE,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_INTENSITY_RELATIONSHIP,
    tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::RESCALE_TYPE,
    tags::PRESENTATION_LUT_SHAPE,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::BURNED_IN_ANNOTATION,
    tags::IMAGE_LATERALITY,
    tags::IMAGER_PIXEL_SPACING,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
    tags::PATIENT_ORIENTATION,
    tags::PIXEL_DATA,
];
/// Of type 2: there.
const DX_TYPE_2: [Tag; 16] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_ID,
    tags::ACCESSION_NUMBER,
    tags::SERIES_NUMBER,
    tags::MANUFACTURER,
    tags::INSTANCE_NUMBER,
    tags::DETECTOR_TYPE,
    tags::ANATOMIC_REGION_SEQUENCE,
    tags::ACQUISITION_CONTEXT_SEQUENCE,
    tags::POSITIONER_TYPE,
];
/// Of type 1 of the CT image (PS3.3, A.3), but for what DX has as well.
const CT_TYPE_1: [Tag; 8] = [
    tags::FRAME_OF_REFERENCE_UID,
    tags::PIXEL_SPACING,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::IMAGE_POSITION_PATIENT,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::IMAGE_TYPE,
    tags::PIXEL_DATA,
];
const CT_TYPE_2: [Tag; 5] = [
    tags::SLICE_THICKNESS,
    tags::KVP,
    tags::ACQUISITION_NUMBER,
    tags::POSITION_REFERENCE_INDICATOR,
    tags::PATIENT_POSITION,
];

fn has(file: &DefaultDicomObject, filled: &[Tag], there: &[Tag]) {
    for tag in filled {
        assert!(file.element(*tag).is_ok_and(|element| element.length().0 > 0), "{tag} is missing or empty");
    }
    there.iter().for_each(|tag| assert!(file.element(*tag).is_ok(), "{tag} is missing"));
}

fn text(file: &DefaultDicomObject, tag: Tag) -> String {
    file.element(tag).unwrap().to_str().unwrap().trim().to_owned()
}

fn radiograph(bits: u8) -> Image {
    let values = (0..7 * 5).map(|i| (i * i * 31 % (1 << bits)) as f32).collect();
    Image::new([7, 5], Some([0.15, 0.2]), Sample::Unsigned { bits }, Unit::Arbitrary, values).unwrap()
}

fn exposed() -> DicomAttributes {
    let exposure = Exposure { kvp: Some(117.5), mas: 1.6, source_detector_mm: 1800.0, index: Some(312.456) };
    let info = ImageInfo {
        intensity: Some(Trend::Falling),
        window: Some(DisplayRange { centre: 512.0, width: 1000.0 }),
        ..ImageInfo::default()
    };
    let attributes = DicomAttributes { simulated: true, info, ..DicomAttributes::default() };
    attributes.with_exposure(&exposure).with_orientation(["L", "F"])
}

#[test]
fn radiographs_come_back_with_bits_spacing_and_window() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.dcm");
    for bits in [6, 8, 10, 12, 16] {
        let want = radiograph(bits);
        write_image_with(&path, &want, &exposed()).unwrap();
        let (got, info) = read_image(&path).unwrap();
        assert_eq!(got, want);
        assert_eq!(info, ImageInfo { spacing_at_detector: true, ..exposed().info });
    }
    // Fewer bits than the format knows are stored as its fewest.
    write_image(&path, &radiograph(4)).unwrap();
    let (got, info) = read_image(&path).unwrap();
    assert_eq!((got.values(), got.sample()), (radiograph(4).values(), Sample::Unsigned { bits: 6 }));
    assert_eq!(info.window, Some(DisplayRange { centre: 8.0, width: 16.0 }));
    // Values that were shown the other way round stay so.
    let info = ImageInfo {
        inverted: true,
        linear: true,
        intensity: Some(Trend::Rising),
        window: exposed().info.window,
        spacing_at_detector: true,
        ..ImageInfo::default()
    };
    write_image_with(&path, &radiograph(12), &DicomAttributes { info, ..exposed() }).unwrap();
    assert_eq!(read_image(&path).unwrap().1, info);
}

#[test]
fn radiographs_have_what_the_standard_asks_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.dcm");
    write_image_with(&path, &radiograph(12), &exposed()).unwrap();
    let file = open_file(&path).unwrap();
    has(&file, &DX_TYPE_1, &DX_TYPE_2);
    assert_eq!(file.meta().transfer_syntax(), "1.2.840.10008.1.2.1");
    for (tag, want) in [
        (tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.1.1"),
        (tags::PRESENTATION_INTENT_TYPE, "FOR PRESENTATION"),
        (tags::IMAGE_TYPE, "DERIVED\\PRIMARY\\\\SIMULATED"),
        (tags::PIXEL_INTENSITY_RELATIONSHIP, "LOG"),
        (tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN, "-1"),
        (tags::BITS_STORED, "12"),
        (tags::HIGH_BIT, "11"),
        (tags::IMAGER_PIXEL_SPACING, "0.2\\0.15"),
        (tags::PATIENT_ORIENTATION, "L\\F"),
        (tags::PATIENT_IDENTITY_REMOVED, "YES"),
        (tags::BURNED_IN_ANNOTATION, "NO"),
        (tags::KVP, "117.5"),
        (tags::EXPOSURE_INU_AS, "1600"),
        (tags::DISTANCE_SOURCE_TO_DETECTOR, "1800"),
        (tags::EXPOSURE_INDEX, "312.456"),
    ] {
        assert_eq!(text(&file, tag), want, "{tag}");
    }
    assert!(file.element(tags::PIXEL_SPACING).is_err(), "nothing is calibrated");
    assert!(file.element(tags::EXPOSURE).is_err(), "1.6 mAs is not whole");
    assert_eq!(file.meta().media_storage_sop_instance_uid(), text(&file, tags::SOP_INSTANCE_UID));

    write_image_with(&path, &radiograph(12), &DicomAttributes { raw: true, ..exposed() }).unwrap();
    let file = open_file(&path).unwrap();
    assert_eq!(text(&file, tags::SOP_CLASS_UID), "1.2.840.10008.5.1.4.1.1.1.1.1");
    assert_eq!(text(&file, tags::PRESENTATION_INTENT_TYPE), "FOR PROCESSING");
    assert!(file.element(tags::WINDOW_CENTER).is_err(), "it is not to be looked at");
    // Of an image of unknown origin neither the orientation nor what stands in the pixels is known.
    write_image(&path, &radiograph(12)).unwrap();
    let file = open_file(&path).unwrap();
    has(&file, &[], &DX_TYPE_1);
    assert_eq!(
        (text(&file, tags::PATIENT_ORIENTATION), text(&file, tags::BURNED_IN_ANNOTATION)),
        (String::new(), "YES".to_owned())
    );
}

#[test]
fn radiographs_that_cannot_be_are_refused_in_a_line() {
    let folder = TempDir::new().unwrap();
    let refused = |image: &Image| write_image(folder.path().join("a.dcm"), image).unwrap_err().to_string();
    let float = Image::new([2, 1], Some([1.0; 2]), Sample::Float, Unit::LineIntegral, vec![0.5; 2]).unwrap();
    assert!(refused(&float).ends_with(
        "a float image as a DICOM radiograph is not supported; map it to 8 or 16 bits first, or write .tiff or .npy"
    ));
    let sample = Sample::Unsigned { bits: 8 };
    let bare = Image::new([2, 1], None, sample, Unit::Arbitrary, vec![1.0; 2]).unwrap();
    assert!(refused(&bare).contains("carries no spacing"));
    let long = Image::new([65536, 1], Some([1.0; 2]), sample, Unit::Arbitrary, vec![1.0; 65536]).unwrap();
    assert!(refused(&long).ends_with("Rows and Columns must be at most 65535, got 1 and 65536"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A grid that is turned about all axes, with three spacings.
fn oblique() -> Grid {
    let turn = DMat3::from_euler(glam::EulerRot::XYZ, 0.3, -0.2, 0.7);
    Grid::new([6, 5, 4], [0.7, 0.9, 2.5], [-31.7, 48.25, -1203.5], turn).unwrap()
}

fn volume(grid: Grid, unit: Unit, of: impl Fn(usize) -> f32) -> Volume {
    Volume::new(grid, unit, (0..grid.voxel_count()).map(of).collect()).unwrap()
}

/// The largest distance of a corner of one grid from that of the other, in mm.
fn apart(a: &Grid, b: &Grid) -> f64 {
    assert_eq!(a.size(), b.size());
    let last = DVec3::from_array(a.size().map(|n| n as f64 - 1.0));
    let corners = (0..8).map(|c| last * DVec3::new(f64::from(c & 1), f64::from(c >> 1 & 1), f64::from(c >> 2)));
    corners.map(|corner| a.world_mm(corner).distance(b.world_mm(corner))).fold(0.0, f64::max)
}

/// Sixteen characters hold a coordinate of a metre to 10⁻¹¹ mm, a direction to 10⁻¹³.
const TEXT_MM: f64 = 1e-9;

#[test]
fn oblique_volumes_come_back_where_they_were() {
    let room = TempDir::new().unwrap();
    let folder = room.path().join("slices/");
    let want = volume(oblique(), Unit::Hounsfield, |i| (i as f32) * 13.0 - 1000.0);
    write_volume(&folder, &want).unwrap();
    let got = read_volume(&folder, None).unwrap();
    assert_eq!((got.values(), got.unit()), (want.values(), Unit::Hounsfield));
    assert!(apart(got.grid(), want.grid()) < TEXT_MM, "{} mm", apart(got.grid(), want.grid()));
    // The control: the next grid of text is another one.
    let moved = Grid::new([6, 5, 4], [0.7, 0.9, 2.5], [-31.7, 48.25, -1203.4999], oblique().orientation()).unwrap();
    assert!(apart(got.grid(), &moved) > TEXT_MM);
}

#[test]
fn left_handed_volumes_come_back_with_their_slices_the_other_way_round() {
    let room = TempDir::new().unwrap();
    let mirrored = DMat3::from_diagonal(DVec3::new(1.0, 1.0, -1.0));
    let grid = Grid::new([3, 2, 4], [1.0, 2.0, 3.0], [5.0, 6.0, 7.0], mirrored).unwrap();
    let want = volume(grid, Unit::Hounsfield, |i| i as f32);
    write_volume(room.path().join("a/"), &want).unwrap();
    let got = read_volume(room.path().join("a"), None).unwrap();
    for (index, value) in got.values().iter().enumerate() {
        let at = DVec3::new((index % 3) as f64, (index / 3 % 2) as f64, (index / 6) as f64);
        let there = grid.index_of(got.grid().world_mm(at)).round();
        assert_eq!(*value, (there.z * 6.0 + there.y * 3.0 + there.x) as f32);
    }
}

#[test]
fn values_lose_at_most_what_is_stated() {
    let room = TempDir::new().unwrap();
    let folder = room.path().join("a/");
    let units = [
        Unit::PerMillimetre,
        Unit::LineIntegral,
        Unit::Transmission,
        Unit::Milligray,
        Unit::Millimetre,
        Unit::Counts,
        Unit::Arbitrary,
    ];
    for unit in units {
        let want = volume(oblique(), unit, |i| 0.021 * (i as f32 * 0.37).sin() + 0.003);
        write_volume(&folder, &want).unwrap();
        let got = read_volume(&folder, None).unwrap();
        assert_eq!(got.unit(), unit);
        let errors = got.values().iter().zip(want.values()).map(|(a, b)| (a - b).abs());
        let error = errors.fold(0.0, f32::max);
        // Half a step, and the roundings of single precision.
        assert!(error > 0.0 && error <= 0.0421 / 131_070.0, "{unit}: {error}");
    }
    let fractions = volume(oblique(), Unit::Hounsfield, |i| i as f32 * 9.3 - 1000.0);
    write_volume(&folder, &fractions).unwrap();
    let got = read_volume(&folder, None).unwrap();
    assert!(got.values().iter().zip(fractions.values()).all(|(a, b)| *a == b.round()));
    // Whole numbers, of labels or of CTs, and constant ones are exact, as far as 16 bits reach.
    for (unit, of) in [
        (Unit::Arbitrary, (|i| (i % 3) as f32) as fn(usize) -> f32),
        (Unit::Counts, |i| (i * 541) as f32),
        (Unit::Hounsfield, |i| i as f32 * 500.0 - 30000.0),
        (Unit::PerMillimetre, |_| 0.25),
    ] {
        let want = volume(oblique(), unit, of);
        write_volume(&folder, &want).unwrap();
        assert_eq!(read_volume(&folder, None).unwrap().values(), want.values(), "{unit}");
    }
    // CT numbers beyond 16 bits get a slope.
    let metal = volume(oblique(), Unit::Hounsfield, |i| i as f32 * 600.0 - 1000.5);
    write_volume(&folder, &metal).unwrap();
    let got = read_volume(&folder, None).unwrap();
    assert!(got.values().iter().zip(metal.values()).all(|(a, b)| (a - b).abs() <= 0.6));
}

#[test]
fn slices_have_what_the_standard_asks_for() {
    let room = TempDir::new().unwrap();
    let want = volume(oblique(), Unit::PerMillimetre, |i| i as f32 * 1e-4);
    let attributes = DicomAttributes { simulated: true, ..DicomAttributes::default() };
    write_volume_with(room.path().join("a/"), &want, &attributes).unwrap();
    let mut instances = Vec::new();
    for number in 1..=4 {
        let file = open_file(room.path().join(format!("a/slice-{number:04}.dcm"))).unwrap();
        has(&file, &DX_TYPE_1[..5], &DX_TYPE_2[..12]);
        has(&file, &CT_TYPE_1, &CT_TYPE_2);
        for (tag, want) in [
            (tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2"),
            (tags::IMAGE_TYPE, "DERIVED\\SECONDARY\\AXIAL\\SIMULATED"),
            (tags::INSTANCE_NUMBER, &number.to_string()),
            (tags::RESCALE_TYPE, "1/mm"),
            (tags::PIXEL_SPACING, "0.9\\0.7"),
            (tags::SLICE_THICKNESS, "2.5"),
            (tags::SPACING_BETWEEN_SLICES, "2.5"),
            (tags::PATIENT_IDENTITY_REMOVED, "YES"),
        ] {
            assert_eq!(text(&file, tag), want, "{tag}");
        }
        // Right and anterior of kerma's frame are the negative axes of the file's.
        let at = oblique().world_mm(DVec3::new(0.0, 0.0, f64::from(number) - 1.0)) * DVec3::new(-1.0, -1.0, 1.0);
        let position: Vec<f64> =
            text(&file, tags::IMAGE_POSITION_PATIENT).split('\\').map(|n| n.parse().unwrap()).collect();
        assert!(DVec3::from_slice(&position).distance(at) < TEXT_MM);
        instances.push((text(&file, tags::SERIES_INSTANCE_UID), text(&file, tags::SOP_INSTANCE_UID)));
    }
    instances.dedup_by_key(|(series, _)| series.clone());
    assert_eq!(instances.len(), 1, "one series");
}

fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap_or_default()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_same_content_makes_the_same_bytes_whole_or_in_parts() {
    let room = TempDir::new().unwrap();
    let [a, b, c, other] = ["a/", "b/", "c/", "other/"].map(|name| room.path().join(name));
    let of = |i: usize| i as f32 * 1e-4;
    let want = volume(oblique(), Unit::PerMillimetre, of);
    write_volume(&a, &want).unwrap();
    write_volume(&b, &want).unwrap();
    let mut writer = VolumeWriter::create(&c, want.grid(), want.unit()).unwrap();
    want.values().chunks(50).for_each(|part| writer.append(part).unwrap());
    writer.finish().unwrap();
    assert_eq!(contents(&a), contents(&b));
    assert_eq!(contents(&a), contents(&c));
    // The control: another value in one slice changes the UIDs of all.
    write_volume(&other, &volume(oblique(), Unit::PerMillimetre, |i| of(if i == 70 { 71 } else { i }))).unwrap();
    let (a, other) = (contents(&a), contents(&other));
    assert!(a.iter().zip(&other).all(|(a, b)| a.0 == b.0 && a.1 != b.1));

    let image = room.path().join("a.dcm");
    let bytes = |attributes: &DicomAttributes| {
        write_image_with(&image, &radiograph(12), attributes).unwrap();
        fs::read(&image).unwrap()
    };
    assert_eq!(bytes(&exposed()), bytes(&exposed()));
    assert!(bytes(&exposed()) != bytes(&DicomAttributes { simulated: false, ..exposed() }));
}

#[test]
fn folders_appear_whole_or_not_at_all() {
    let room = TempDir::new().unwrap();
    let want = volume(oblique(), Unit::Hounsfield, |i| i as f32);
    let folder = room.path().join("a/");
    let cancelled = cancellable(|| true, || write_volume(&folder, &want));
    assert!(matches!(cancelled, Err(IoError::Cancelled { .. })));
    let broken = volume(oblique(), Unit::Hounsfield, |i| if i == 110 { f32::NAN } else { 0.0 });
    assert!(matches!(
        write_volume(&folder, &broken),
        Err(IoError::Data { source: DataError::NotFinite { count: 1, .. }, .. })
    ));
    let mut writer = VolumeWriter::create(&folder, want.grid(), want.unit()).unwrap();
    writer.append(&want.values()[..20]).unwrap();
    assert!(writer.finish().unwrap_err().to_string().contains("got fewer"));
    assert_eq!(contents(room.path()), []);

    // Slices of kerma's are replaced, also by fewer; what else there is stays.
    write_volume(&folder, &want).unwrap();
    write_volume(room.path().join("a"), &volume(oblique().slices(0..2), Unit::Hounsfield, |_| 1.0)).unwrap();
    assert_eq!(contents(&folder).len(), 2);
    fs::write(room.path().join("a/notes.txt"), "mine").unwrap();
    let before = contents(&folder);
    for refused in [write_volume(&folder, &want), check_output(&folder)] {
        let message = refused.unwrap_err().to_string();
        assert!(message.ends_with("output must be a folder that is new, empty or of slices that kerma wrote, got one that holds other files"), "{message}");
    }
    assert_eq!(contents(&folder), before);
    let message = write_volume(room.path().join("none/a/"), &want).unwrap_err().to_string();
    assert!(message.ends_with("none does not exist"), "{message}");
    assert_eq!(contents(room.path()).len(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_takes_nothing_is_left_as_it_was() {
    let want = volume(oblique(), Unit::Hounsfield, |i| i as f32);
    // No process may create files there, not even one that may do all else.
    let message = write_volume("/proc/a/", &want).unwrap_err().to_string();
    assert!(message.starts_with("/proc/a/: cannot create a folder beside it"), "{message}");
    let message = write_image("/proc/a.dcm", &radiograph(12)).unwrap_err().to_string();
    assert!(message.starts_with("/proc/a.dcm: cannot create a file in its folder"), "{message}");
}

const NAME: &str = "Roentgen^Anna Bertha";
const NUMBER: &str = "PID-18951222";
const HOSPITAL: &str = "Physikalisches Institut";

/// A radiograph as a hospital writes it: whose it is, where, and how it was exposed.
fn hospital(path: &Path, more: &[(Tag, &str)]) {
    write_image(path, &radiograph(12)).unwrap();
    let mut file = open_file(path).unwrap();
    let stated = [
        (tags::PATIENT_NAME, NAME),
        (tags::PATIENT_ID, NUMBER),
        (tags::PATIENT_BIRTH_DATE, "18391222"),
        (tags::PATIENT_SEX, "F"),
        (tags::STUDY_INSTANCE_UID, "1.2.3.4.5"),
        (tags::STUDY_DATE, "18951223"),
        (tags::STUDY_ID, "STUDY7"),
        (tags::ACCESSION_NUMBER, "ACC99"),
        (tags::INSTITUTION_NAME, HOSPITAL),
        (tags::PATIENT_COMMENTS, "married to the operator"),
        (tags::KVP, "81"),
        (tags::VIEW_POSITION, "PA"),
        (tags::PATIENT_ORIENTATION, "L\\F"),
        (tags::BURNED_IN_ANNOTATION, "NO"),
        (tags::IMAGER_PIXEL_SPACING, "0.2\\0.15"),
    ];
    for (tag, value) in stated.iter().chain(more) {
        let vr = StandardDataDictionary.by_tag(*tag).unwrap().vr.relaxed();
        file.put_str(*tag, vr, *value);
    }
    file.write_to_file(path).unwrap();
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn identity_is_copied_where_it_is_asked_for_and_nowhere_else() {
    const IDENTITY: [&str; 7] = [NAME, NUMBER, "18391222", "1.2.3.4.5", "18951223", "STUDY7", "ACC99"];
    let room = TempDir::new().unwrap();
    let [source, out] = ["source.dcm", "out.dcm"].map(|name| room.path().join(name));
    hospital(&source, &[]);
    let written = |keep_identity: bool| {
        let attributes = DicomAttributes::of_source(&source, None, keep_identity).unwrap().unwrap();
        assert!(attributes.states_orientation());
        write_image_with(&out, &radiograph(12), &attributes).unwrap();
        (fs::read(&out).unwrap(), open_file(&out).unwrap())
    };
    let (bytes, file) = written(false);
    for text in IDENTITY {
        assert!(!holds(&bytes, text), "{text}");
    }
    assert_eq!(text(&file, tags::PATIENT_IDENTITY_REMOVED), "YES");
    let (bytes, file) = written(true);
    for text in IDENTITY {
        assert!(holds(&bytes, text), "{text}");
    }
    assert!(file.element(tags::PATIENT_IDENTITY_REMOVED).is_err());
    for keep_identity in [false, true] {
        let (bytes, file) = written(keep_identity);
        assert!(!holds(&bytes, HOSPITAL) && !holds(&bytes, "married"));
        let exposure = [tags::KVP, tags::VIEW_POSITION, tags::PATIENT_ORIENTATION].map(|tag| text(&file, tag));
        assert_eq!(exposure, ["81", "PA", "L\\F"]);
        has(&file, &DX_TYPE_1, &DX_TYPE_2);
    }

    // The same for slices.
    let attributes = DicomAttributes::of_source(&source, None, false).unwrap().unwrap();
    write_volume_with(room.path().join("a/"), &volume(oblique(), Unit::Hounsfield, |_| 0.0), &attributes).unwrap();
    assert!(contents(&room.path().join("a")).iter().all(|(_, bytes)| IDENTITY.iter().all(|text| !holds(bytes, text))));
    // What is no DICOM has none.
    fs::write(room.path().join("a.png"), "no").unwrap();
    assert_eq!(DicomAttributes::of_source(room.path().join("a.png"), None, true).unwrap(), None);
}

#[test]
fn a_name_in_the_pixels_is_not_said_to_be_removed() {
    let room = TempDir::new().unwrap();
    let [source, out] = ["source.dcm", "out.dcm"].map(|name| room.path().join(name));
    hospital(&source, &[(tags::BURNED_IN_ANNOTATION, "YES")]);
    let attributes = DicomAttributes::of_source(&source, None, false).unwrap().unwrap();
    write_image_with(&out, &radiograph(12), &attributes).unwrap();
    let file = open_file(&out).unwrap();
    assert_eq!(text(&file, tags::BURNED_IN_ANNOTATION), "YES");
    assert_eq!(text(&file, tags::PATIENT_IDENTITY_REMOVED), "NO");
}

#[test]
fn calibrated_spacings_stay_beside_those_of_the_detector() {
    let room = TempDir::new().unwrap();
    let [source, out] = ["source.dcm", "out.dcm"].map(|name| room.path().join(name));
    let calibrated = [(tags::PIXEL_SPACING, "0.18\\0.135"), (tags::PIXEL_SPACING_CALIBRATION_TYPE, "GEOMETRY")];
    hospital(&source, &calibrated);
    let (image, _) = read_image(&source).unwrap();
    assert_eq!(image.spacing_mm(), Some([0.135, 0.18]));
    let attributes = DicomAttributes::of_source(&source, None, false).unwrap().unwrap();
    write_image_with(&out, &image, &attributes).unwrap();
    let file = open_file(&out).unwrap();
    assert_eq!(text(&file, tags::PIXEL_SPACING), "0.18\\0.135");
    assert_eq!(text(&file, tags::IMAGER_PIXEL_SPACING), "0.2\\0.15");
    assert_eq!(text(&file, tags::PIXEL_SPACING_CALIBRATION_TYPE), "GEOMETRY");
    assert_eq!(read_image(&out).unwrap().0, image);
}
