#![no_main]

use std::path::Path;

use kerma::io::{ImageFormat, decode_image};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_image(ImageFormat::Dicom, Path::new("i.dcm"), bytes);
});
