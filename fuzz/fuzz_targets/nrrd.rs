#![no_main]

use std::path::Path;

use kerma::io::{VolumeFormat, decode_volume};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_volume(VolumeFormat::Nrrd, Path::new("v.nrrd"), bytes, None);
});
