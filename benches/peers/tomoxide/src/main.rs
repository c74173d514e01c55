//! Times one reconstruction by tomoxide and writes the slices that it gives.
//!
//!     tomoxide-timing cpu|wgpu fbp|fourierrec|sirt VIEWS.npy OUT.npy
//!
//! SIRT does ten iterations from an empty volume; the others have the plain ramp.
//! VIEWS.npy holds `f32` parallel line integrals over half a turn from 0°, indexed `[view][row][column]`, the axis in
//! the middle of the columns. Prints seconds as JSON: `open` until the device is there, `first` and `second` for two
//! equal calls, files apart (of SIRT one). Lengths are in pixels.

use std::{env, error::Error, time::Instant};

use ndarray::Array3;
use tomoxide::{
    Algorithm, Angles, BackendKind, Center, Engine, FilterName, Geometry, Layout, ReconParams, Tomo, recon::recon,
};

/// Iterations of SIRT.
const ITERATIONS: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [backend, method, views, out] = arguments.as_slice() else {
        return Err("usage: tomoxide-timing cpu|wgpu fbp|fourierrec|sirt VIEWS.npy OUT.npy".into());
    };
    let algorithm = match method.as_str() {
        "fbp" => Algorithm::Fbp,
        "fourierrec" => Algorithm::Fourierrec,
        "sirt" => Algorithm::Sirt,
        other => return Err(format!("no method {other}").into()),
    };
    let kind = match backend.as_str() {
        "cpu" => BackendKind::Cpu,
        "wgpu" => BackendKind::Wgpu,
        other => return Err(format!("no backend {other}").into()),
    };
    let values: Array3<f32> = ndarray_npy::read_npy(views)?;
    let (count, rows, columns) = values.dim();

    let opening = Instant::now();
    let engine = Engine::new(kind)?;
    let open = opening.elapsed().as_secs_f64();

    let angles = Angles::uniform(count, 0.0, std::f32::consts::PI);
    let mut geometry = Geometry::parallel(angles, columns, rows, 1.0);
    geometry.center = Center::Scalar((columns as f32 - 1.0) / 2.0);
    let parameters = ReconParams { filter_name: FilterName::Ramp, num_iter: ITERATIONS, ..ReconParams::default() };
    let sinogram = Tomo::new(values, Layout::Projection).to_layout(Layout::Sinogram);
    let run = || -> Result<_, Box<dyn Error>> {
        let running = Instant::now();
        let volume = recon(&sinogram, &geometry, algorithm, &parameters, engine.backend())?;
        Ok((running.elapsed().as_secs_f64(), volume))
    };
    let (first, volume) = run()?;
    // Iterations take a minute, and the first ones are as fast as the next.
    let second = if algorithm == Algorithm::Sirt { first } else { run()?.0 };
    ndarray_npy::write_npy(out, &volume.array)?;
    println!("{{\"backend\": \"{}\", \"open\": {open}, \"first\": {first}, \"second\": {second}}}", engine.name());
    Ok(())
}
