//! Writes the values of all frames of an image file as 32-bit floats, little endian, for comparison with other readers.
//!
//! `cargo run --example frames -- IN.dcm OUT.raw` prints frames, rows and columns.

use std::{env, error::Error, fs, process::ExitCode};

use kerma::io::read_frames;

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let [from, to] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "give IN and OUT")?;
    let (frames, _) = read_frames(from)?;
    let bytes: Vec<u8> = frames.iter().flat_map(|f| f.values()).flat_map(|v| v.to_le_bytes()).collect();
    fs::write(to, bytes)?;
    let [columns, rows] = frames.first().map_or([0, 0], |f| f.size());
    println!("{} {rows} {columns}", frames.len());
    Ok(())
}
