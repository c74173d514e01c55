//! Damaged HDF5, BigTIFF and NIfTI-2 files and headers of raw values.

use std::{fs, io::Cursor, path::Path};

use kerma::{
    data::{Grid, Volume},
    io::{
        IoError, VolumeFormat, decode_projections, decode_volume, describe, read_angles, read_projections, read_volume,
    },
};
use tiff::encoder::{TiffEncoder, colortype::Gray16};

use super::{frames::Damage, guarded};

/// Files that fixtures.py wrote.
const SCANS: [&str; 7] =
    ["old.h5", "old-chunked.h5", "new.h5", "new-fixed.h5", "new-extensible.h5", "new-btree.h5", "big-endian.h5"];
const DAMAGED: usize = 100_000;
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/containers").join(name)).unwrap()
}

/// As volume and projections, 5 × 3 × 4 values.
fn decoded(format: VolumeFormat, bytes: &[u8]) -> Result<Volume, IoError> {
    let name = Path::new("a");
    let stack = guarded("a", || decode_projections(format, name, bytes, Some([1.0; 2])));
    let volume = guarded("a", || decode_volume(format, name, bytes, Some(Grid::centred([5, 3, 4], [1.0; 3]).unwrap())));
    if let Ok(volume) = &volume {
        assert_eq!(stack.unwrap().values(), volume.values());
    }
    volume
}

/// Decodes so many damaged copies of each file; some must be refused and some be read.
fn damage(format: VolumeFormat, files: &[Vec<u8>], copies: usize) {
    let mut damage = Damage(SEED);
    let mut refused = 0;
    for bytes in files {
        assert!(decoded(format, bytes).is_ok());
        for _ in 0..copies {
            refused += usize::from(decoded(format, &damage.of(bytes)).is_err());
        }
    }
    assert!((1..copies * files.len()).contains(&refused), "{refused} refused");
}

#[test]
fn damaged_hdf5_never_panics_or_asks_for_much() {
    damage(VolumeFormat::Hdf5, &SCANS.map(fixture), DAMAGED.div_ceil(SCANS.len()));
}

#[test]
fn damaged_hdf5_is_listed_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let mut damage = Damage(SEED);
    let mut refused = 0;
    for bytes in SCANS.into_iter().chain(["links.h5", "vast.h5"]).map(fixture) {
        for _ in 0..500 {
            fs::write(&path, damage.of(&bytes)).unwrap();
            let name = path.display().to_string();
            refused += usize::from(guarded(&name, || describe(&path, None)).is_err());
            // Whatever is not HDF5 any more may pass for text.
            let _ = guarded(&name, || read_angles(&path));
        }
    }
    assert!((1..500 * (SCANS.len() + 2)).contains(&refused), "{refused} refused");
}

#[test]
fn damaged_big_tiff_never_panics_or_asks_for_much() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new_big(&mut bytes).unwrap();
    for page in 0..4_u16 {
        let values: Vec<u16> = (0..15).map(|i| 1000 * page + i).collect();
        encoder.write_image::<Gray16>(5, 3, &values).unwrap();
    }
    damage(VolumeFormat::Tiff, &[bytes.into_inner()], DAMAGED);
}

#[test]
fn damaged_nifti_2_never_panics_or_asks_for_much() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.nii");
    let grid = Grid::centred([5, 3, 4], [1.0; 3]).unwrap();
    let values = (0..60).map(|i| i as f32).collect();
    kerma::io::write_volume(&path, &Volume::new(grid, kerma::data::Unit::Counts, values).unwrap()).unwrap();
    let first = fs::read(&path).unwrap();
    damage(VolumeFormat::Nifti, &[false, true].map(|is_big| super::nifti2(&first, is_big)), DAMAGED / 2);
}

#[test]
fn damaged_headers_of_raw_values_never_panic_or_ask_for_much() {
    const ON_DISK: usize = 20;
    const LINES: [&str; 7] = [
        "data = \"v.raw\"",
        "type = \"u16\"",
        "endian = \"little\"",
        "shape = [5, 3, 4]",
        "offset_bytes = 0",
        "spacing_mm = [1, 1, 1]",
        "unit = \"counts\"",
    ];
    const VALUES: [&str; 14] = [
        "0",
        "-1",
        "1",
        "9223372036854775807",
        "\"u8\"",
        "\"f64\"",
        "\"v.raw\"",
        "\"../v.raw\"",
        "\"/\"",
        "[]",
        "[65536, 65536, 65536]",
        "[9223372036854775807, 9223372036854775807, 2]",
        "[0, 3, 4]",
        "nan",
    ];
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("v.raw"), [1; 120]).unwrap();
    let path = folder.path().join("scan.toml");
    let name = path.display().to_string();
    let mut damage = Damage(SEED);
    let mut refused = 0;
    for number in 0..DAMAGED {
        let mut lines = LINES.map(str::to_owned);
        for _ in 0..=damage.below(2) {
            let (line, value) = (damage.below(LINES.len()), damage.below(VALUES.len()));
            let field = LINES[line].split(" =").next().unwrap();
            lines[line] = format!("{field} = {}", VALUES[value]);
        }
        let mut text = lines.join("\n").into_bytes();
        if damage.below(2) == 0 {
            text = damage.of(LINES.join("\n").as_bytes());
        }
        // All but what lies beside it.
        assert!(guarded("a", || decode_volume(VolumeFormat::Raw, Path::new("a"), &text, None)).is_err());
        if number % ON_DISK == 0 {
            fs::write(&path, &text).unwrap();
            refused += usize::from(guarded(&name, || read_volume(&path, None)).is_err());
            let _ = guarded(&name, || read_projections(&path, None));
        }
    }
    assert!((1..DAMAGED / ON_DISK).contains(&refused), "{refused} refused");
}

#[test]
fn what_a_file_cannot_hold_is_refused_in_a_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["vast.h5", "links.h5", "foreign-filter.h5", "old.h5"] {
        fs::write(folder.path().join(name), fixture(name)).unwrap();
    }
    let read = |place: &str| {
        let path = folder.path().join(place);
        guarded(&path.display().to_string(), || read_projections(&path, Some([1.0; 2])))
    };
    let there = "must be one of /elsewhere, /group/data, /group/this, got ";
    for (place, words) in [
        ("vast.h5:/plain", "ends early: 4320000000000 bytes are needed for the values, at most "),
        ("vast.h5:/packed", "ends early: 4320000000000 bytes"),
        ("vast.h5:/unbroken", "ends early: 4320000000000 bytes"),
        ("vast.h5:/chunky", "ends early: 4320000000 bytes"),
        ("vast.h5", "must be one of /plain, /packed, /unbroken, /chunky, got none"),
        ("links.h5:/group/loop", there),
        ("links.h5:/group/lost", there),
        ("links.h5:/group/outside", there),
        ("links.h5:/elsewhere", "is damaged: dataset /elsewhere: "),
        ("links.h5:/group/up/group/up/nothing", there),
        ("foreign-filter.h5", "of dataset /exchange/data is not supported; write it anew"),
        ("old.h5:/exchange/title", "the type of dataset /exchange/title must be integers of 8 to 64 bits"),
        ("old.h5:/exchange/theta", "shape must be [view][v][u] or [view][u], got 1 axes"),
        ("old.h5:/exchange", "must be one of /exchange/data, /exchange/data_dark, /exchange/data_white"),
    ] {
        let message = read(place).unwrap_err().to_string();
        assert!(message.contains(words), "{place}: {message}");
    }
    for place in ["links.h5:/group/this", "links.h5:/group/up/group/data", "old.h5"] {
        assert_eq!(read(place).unwrap().views(), 4, "{place}");
    }
}
