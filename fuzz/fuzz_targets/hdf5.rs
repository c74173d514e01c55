//! HDF5 as volume and projection stack; files to start from are in tests/containers.

#![no_main]

use std::path::Path;

use kerma::io::{VolumeFormat, decode_projections, decode_volume};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("v.h5");
    let _ = decode_volume(VolumeFormat::Hdf5, name, bytes, "5x3x4@1x1x1".parse().ok());
    let _ = decode_projections(VolumeFormat::Hdf5, name, bytes, Some([1.0, 1.0]));
});
