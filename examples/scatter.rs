//! Scatter of a chest radiograph at 120 kV from a CT volume, by photons followed one by one on the CPU.
//!
//! ```text
//! cargo run --release -p kerma --example scatter -- CT.nii.gz [photons in millions] [voxel in mm]
//! ```
//! CT numbers become water of their density, and above 100 HU water with more and more cortical bone.

use std::time::Instant;

use glam::DVec3;
use kerma::{
    body::Body,
    data::{Grid, Volume},
    engine::{Control, Device, Graph, Plan},
    io::read_volume,
    kernels::transport::{
        Class, DetectorPlane, Estimate, Source, Tables,
        photons::{Histories, record},
    },
    physics::{Layer, Material, Tube},
};

/// Columns and rows of the detector, and its pixels in mm.
const SIZE: [u32; 2] = [107, 107];
const PIXEL_MM: f64 = 4.0;
/// The source behind the patient, and the detector before him, in mm.
const SOURCE_Y_MM: f64 = -1600.0;
const DETECTOR_Y_MM: f64 = 200.0;
/// Field at the detector, in mm.
const FIELD_MM: [f64; 2] = [350.0, 320.0];
/// Standard deviation of the Gaussian that smoothes scatter.
const SIGMA_PIXELS: f64 = 2.0;
/// CT numbers from −1000 on share a composition in steps of so many.
const STEP_HU: f64 = 10.0;

fn body(ct: &Volume, voxel_mm: f64) -> Result<Body, Box<dyn std::error::Error>> {
    let from = ct.grid();
    let size = (from.extent_mm() / voxel_mm).to_array().map(|n| n.round() as usize);
    let grid = Grid::centred(size, [voxel_mm; 3])?;
    let [nx, ny, _] = from.size();
    let ratio = from.extent_mm() / grid.extent_mm() * grid.spacing_mm() / from.spacing_mm();
    let place = |i: usize, axis: usize| (((i as f64 + 0.5) * ratio[axis]) as usize).min(from.size()[axis] - 1);
    let voxels = (0..grid.voxel_count()).map(|i| {
        let [x, y, z] = [i % size[0], i / size[0] % size[1], i / size[0] / size[1]];
        let hu = ct.values()[(place(z, 2) * ny + place(y, 1)) * nx + place(x, 0)];
        (((f64::from(hu) + 1000.0) / STEP_HU).round().max(0.0) as u32).min(300)
    });
    let mut compositions = vec![0.0; 2];
    for number in 1..=300 {
        let hu = f64::from(number) * STEP_HU - 1000.0;
        let bone = ((hu - 100.0) / 1500.0).max(0.0);
        compositions.extend([((1.0 + hu.min(100.0) / 1000.0) * (1.0 - bone)).max(0.0) as f32, bone as f32]);
    }
    let materials = vec![Material::by_name("water")?, Material::by_name("cortical-bone")?];
    Ok(Body::new(grid, materials, compositions, voxels.collect())?)
}

/// Root of the mean of the squares of the relative standard errors.
fn relative_error(image: &[Estimate]) -> f64 {
    let squares = image.iter().map(|pixel| (pixel.error / pixel.mean).powi(2));
    (squares.sum::<f64>() / image.len() as f64).sqrt()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, rest @ ..] = &arguments[..] else { return Err("which CT volume?".into()) };
    let number = |index: usize, default: f64| rest.get(index).map_or(Ok(default), |text| text.parse::<f64>());
    let (millions, voxel_mm) = (number(0, 10.0)?, number(1, 2.0)?);
    let begin = Instant::now();
    let body = body(&read_volume(path, None)?, voxel_mm)?;
    let tables = Tables::new(&body, None)?;
    println!("{:?} voxels of {voxel_mm} mm, ready after {:.1?}", body.grid().size(), begin.elapsed());

    let spectrum = Tube::new(120.0, 12.0, vec![Layer::parse("al:3", &[])?])?.spectrum()?;
    let [u, v] = FIELD_MM;
    let source = Source {
        position_mm: DVec3::new(0.0, SOURCE_Y_MM, 0.0),
        corner_mm: DVec3::new(-u / 2.0, DETECTOR_Y_MM, -v / 2.0),
        edges_mm: [DVec3::X * u, DVec3::Z * v],
        blades: Vec::new(),
        spectrum,
    };
    let half = DVec3::new(f64::from(SIZE[0]), 0.0, f64::from(SIZE[1])) * (PIXEL_MM / 2.0);
    let steps_mm = [DVec3::X * PIXEL_MM, DVec3::Z * PIXEL_MM];
    let detector = DetectorPlane::new(DVec3::Y * DETECTOR_Y_MM - half, steps_mm, SIZE, |energy_kev| energy_kev);

    let histories = Histories { seed: 1, first: 0, count: (millions * 1e6) as u32 };
    println!("what arrives:");
    report(&tables, &source, &detector, histories)?;
    println!("what is expected:");
    report(&tables, &source, &detector.of_expected(), histories)
}

/// Follows the photons and says how fast that was and what came of it.
fn report(
    tables: &Tables,
    source: &Source,
    detector: &DetectorPlane,
    histories: Histories,
) -> Result<(), Box<dyn std::error::Error>> {
    let begin = Instant::now();
    let mut graph = Graph::new();
    let recorded = record(&mut graph, tables, source, Some(detector), histories);
    let output = recorded.result(&mut graph);
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits())?;
    let mut outputs = pollster::block_on(device.run(&plan, &Control::default()))?;
    let tally = recorded.tally(outputs.take(output)?);
    let (seconds, events) = (begin.elapsed().as_secs_f64(), tally.events());
    println!("  {:.1} s, {:.3} million photons per second that enter", seconds, events.entered as f64 / 1e6 / seconds);
    println!(
        "  a photon: {:.1} free paths, {:.2} Compton, {:.2} Rayleigh, {:.2} absorbed; {:.1} million paths per second",
        events.flights as f64 / events.entered as f64,
        events.compton as f64 / events.entered as f64,
        events.rayleigh as f64 / events.entered as f64,
        events.absorbed as f64 / events.entered as f64,
        events.flights as f64 / 1e6 / seconds,
    );
    let sum = |classes: &[Class]| tally.image(classes).iter().map(|pixel| pixel.mean).sum::<f64>();
    let [scatter, primary] = [sum(&Class::SCATTER), sum(&[Class::Primary])];
    println!(
        "  scatter is {:.3} of the signal, {:.1} % RMS in pixels of {PIXEL_MM} mm, {:.2} % in those smoothed by {SIGMA_PIXELS} pixels",
        scatter / (scatter + primary),
        100.0 * relative_error(&tally.image(&Class::SCATTER)),
        100.0 * relative_error(&tally.smooth_image(&Class::SCATTER, SIGMA_PIXELS)),
    );
    Ok(())
}
