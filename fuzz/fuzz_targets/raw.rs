//! Headers of raw values; their data are out of reach of bytes in memory.

#![no_main]

use std::path::Path;

use kerma::io::{VolumeFormat, decode_volume};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_volume(VolumeFormat::Raw, Path::new("v.toml"), bytes, None);
});
