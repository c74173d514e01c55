//! Landweber's iteration in parallel beams, fifty times on the device without the host in between.
//!
//! ```text
//! x ← x + λ·B(p − A·x)
//! ```
//! A is Siddon's projection, p what was measured, and B the voxel-driven back-projection without weights: it samples the
//! residual between pixels instead of along Siddon's lengths, so that it is *not* the transpose of A. Such an unmatched pair
//! needs λ small enough for the eigenvalues of B·A; see Zeng and Gullberg, IEEE Trans. Med. Imaging 19
//! (2000) 548. No row of B·A sums to more than views · diameter of the volume, so that 1 over this will do for λ.
//!
//! x and p are kept buffers of a session. An iteration is one prepared plan; its tables are uploaded once.

use kerma::{
    data::Grid,
    engine::{Control, Counts, Device, Error, Extent, Graph, Inputs, Limits, Plan, Session},
    geometry::{DetectorAxis, Geometry, Scan},
    kernels::{fdk::backproject, pointwise::scale_add, project::siddon},
    phantom::shepp_logan,
};

pub(crate) const ITERATIONS: usize = 50;

/// What the iteration came to.
pub(crate) struct Found {
    /// The volume, `[z][y][x]`, in mm⁻¹.
    pub(crate) volume: Vec<f32>,
    /// Norm of p − A·x over that of p.
    pub(crate) residual: f64,
    /// What happened from the first iteration to the last.
    pub(crate) counts: Counts,
}

/// The scan: 40 views of 32 × 8 pixels of a phantom of 24 × 24 × 8 voxels.
pub(crate) fn scan() -> Result<(Geometry, Grid, Vec<f32>), Box<dyn std::error::Error>> {
    let scan = "kind = 'parallel'\nviews = 40\narc_deg = 180\ndetector = [32, 8]\npitch_mm = [8.0, 8.0]";
    let geometry = Scan::from_toml(scan)?.build()?;
    let grid = Grid::centred([24, 24, 8], [8.0; 3])?;
    let measured = shepp_logan(90.0)?.project(&geometry)?;
    Ok((geometry, grid, measured.values().to_vec()))
}

/// Iterates from an empty volume.
pub(crate) async fn landweber(
    device: &Device,
    limits: Limits,
    (geometry, grid, measured): &(Geometry, Grid, Vec<f32>),
) -> Result<Found, Error> {
    let [nx, ny, nz] = grid.size();
    let [columns, rows] = geometry.detector();
    let (voxels, pixels) = (Extent::new(nz, ny, nx), Extent::new(geometry.views().len(), rows, columns));
    let diameter_mm = grid.extent_mm().truncate().length();
    let step = (1.0 / (geometry.views().len() as f64 * diameter_mm)) as f32;

    let mut session = Session::with_limits(device, limits);
    let x = session.keep::<f32>("landweber.volume", voxels)?;
    let p = session.keep::<f32>("landweber.measured", pixels)?;
    session.write(p, measured).await?;

    // factor·(p − A·x)
    let residual = |graph: &mut Graph<'_>, factor: f32| {
        let (volume, measured) = (graph.import(x), graph.import(p));
        let projected = graph.buffer("landweber.projected", pixels);
        siddon::record(graph, geometry, grid, volume, projected.replace());
        scale_add::record(graph, factor, measured, -factor, projected)
    };
    let mut graph = Graph::new();
    let volume = graph.import(x);
    let update = residual(&mut graph, step);
    backproject::record(&mut graph, geometry, DetectorAxis::U, 0, grid, update, volume.update());
    let mut iteration = session.prepare(Plan::repeated(&graph, limits)?).await?;

    let before = session.counts();
    let control = Control::default();
    let mut last = None;
    for _ in 0..ITERATIONS {
        last = Some(session.start(&mut iteration, &Inputs::new(), &control).await?);
    }
    let counts = session.counts() - before;
    if let Some(last) = last {
        session.finish(last, &control).await?;
    }

    let mut graph = Graph::new();
    let left = residual(&mut graph, 1.0);
    let output = graph.result(left);
    let mut check = session.prepare(Plan::new(&graph, limits)?).await?;
    let left = session.run(&mut check, &Inputs::new(), &control).await?.take(output)?;
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    Ok(Found { volume: session.read(x).await?, residual: norm(&left) / norm(measured), counts })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::cpu();
    let found = pollster::block_on(landweber(&device, device.limits(), &scan()?))?;
    let largest = found.volume.iter().fold(0.0_f32, |most, value| most.max(*value));
    println!("{ITERATIONS} iterations: residual {:.4} of the measured, largest value {largest} per mm", found.residual);
    println!("{:?}", found.counts);
    Ok(())
}
