//! Arrays as volume, projection stack and image.

#![no_main]

use std::path::Path;

use kerma::io::{ImageFormat, VolumeFormat, decode_image, decode_projections, decode_volume};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("v.npy");
    let _ = decode_volume(VolumeFormat::Npy, name, bytes, "4x3x2@1x1x1".parse().ok());
    let _ = decode_projections(VolumeFormat::Npy, name, bytes, Some([1.0, 1.0]));
    let _ = decode_image(ImageFormat::Npy, name, bytes);
});
