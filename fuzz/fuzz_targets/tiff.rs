#![no_main]

use std::path::Path;

use kerma::io::{ImageFormat, VolumeFormat, decode_image, decode_projections};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_image(ImageFormat::Tiff, Path::new("i.tif"), bytes);
    let _ = decode_projections(VolumeFormat::Tiff, Path::new("p.tif"), bytes, Some([1.0, 1.0]));
});
