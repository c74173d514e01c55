//! Geometries in the files of other programs, and tables of trajectories.

#![no_main]

use std::path::Path;

use kerma::io::{
    decode_astra_vectors, decode_leap_parameters, decode_rtk_geometry, decode_tigre_geometry, decode_trajectory,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("geometry");
    let _ = decode_astra_vectors(name, bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = decode_rtk_geometry(name, &text);
    let _ = decode_leap_parameters(name, &text);
    let _ = decode_tigre_geometry(name, &text);
    let _ = decode_trajectory(name, &text, None);
    let _ = decode_trajectory(name, &text, Some([1.0, 1.0]));
});
