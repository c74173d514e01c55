use clap::ValueEnum;
use kerma::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Extent, Graph},
    geometry::{DetectorAxis, Geometry, Scan},
    kernels::{
        fdk::{
            backproject,
            ramp::{self, RampFilter, Window},
        },
        pointwise::scale_add,
        project::siddon,
    },
    tasks::{Fdk, FdkOptions},
};

use crate::failure::Failure;

/// Voxels along each side of the volume.
const SIDE: usize = 128;
/// Their spacing, which puts the volume within the detector's view.
const SPACING_MM: f64 = 1.5;
/// Columns and rows of the detector.
const DETECTOR: usize = 192;
/// Views that are projected.
const PROJECTED_VIEWS: usize = 64;
/// Views that are reconstructed.
const RECONSTRUCTED_VIEWS: usize = 180;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HotPath {
    /// Siddon's projection of 128³ voxels to 64 views of 192²
    Siddon,
    /// Ramp filter of 180 views of 192²
    Ramp,
    /// Back-projection of 180 views of 192² to 128³ voxels
    Backproject,
    /// All of an FDK reconstruction of 180 views of 192² on 128³ voxels
    Fdk,
    /// Weighted sum of two volumes of 128³
    Pointwise,
}

impl HotPath {
    pub(super) const ALL: [Self; 5] = [Self::Siddon, Self::Ramp, Self::Backproject, Self::Fdk, Self::Pointwise];

    /// What the command line calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Siddon => "siddon",
            Self::Ramp => "ramp",
            Self::Backproject => "backproject",
            Self::Fdk => "fdk",
            Self::Pointwise => "pointwise",
        }
    }

    /// Name and size for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Siddon => "siddon 128³ → 64×192²",
            Self::Ramp => "ramp 180×192²",
            Self::Backproject => "backproject 180×192² → 128³",
            Self::Fdk => "fdk 180×192² → 128³",
            Self::Pointwise => "pointwise 128³",
        }
    }

    /// Unit of the throughput and how many of the work's items it counts.
    pub(super) fn unit(self) -> (&'static str, f64) {
        match self {
            Self::Siddon => ("Mrays/s", 1e6),
            Self::Ramp | Self::Pointwise => ("Mpixel/s", 1e6),
            Self::Backproject | Self::Fdk => ("G updates/s", 1e9),
        }
    }

    /// Rays, pixels or voxel updates.
    pub(super) fn work(self) -> f64 {
        let (voxels, pixels) = (SIDE.pow(3) as f64, DETECTOR.pow(2) as f64);
        match self {
            Self::Siddon => PROJECTED_VIEWS as f64 * pixels,
            Self::Ramp => RECONSTRUCTED_VIEWS as f64 * pixels,
            Self::Backproject | Self::Fdk => RECONSTRUCTED_VIEWS as f64 * voxels,
            Self::Pointwise => voxels,
        }
    }

    /// What the path works on. Times do not depend on the values, as long as they are ordinary numbers.
    pub(super) fn inputs(self) -> Result<Inputs, Failure> {
        let views = if self == Self::Siddon { PROJECTED_VIEWS } else { RECONSTRUCTED_VIEWS };
        let Scan::ConeCircular(mut cone) = Scan::from_toml(Scan::example("cone-circular")?)? else {
            return Err(Failure::input("the example of cone-circular is of another kind"));
        };
        (cone.views, cone.detector) = (views, [DETECTOR; 2]);
        let scan = Scan::from(cone);
        let geometry = scan.build()?;
        let ramp = |count: usize| (0..count).map(|i| (i % 251) as f32 / 251.0).collect::<Vec<f32>>();
        let volume = Volume::new(Grid::centred([SIDE; 3], [SPACING_MM; 3])?, Unit::PerMillimetre, ramp(SIDE.pow(3)))?;
        let values = ramp(geometry.value_count());
        let stack = Projections::new(views, [DETECTOR; 2], geometry.pitch_mm(), Unit::LineIntegral, values)?;
        Ok(Inputs { scan, geometry, volume, stack })
    }
}

/// What a hot path works on.
pub(super) struct Inputs {
    scan: Scan,
    geometry: Geometry,
    volume: Volume,
    stack: Projections,
}

impl Inputs {
    /// Records a hot path with its transfers and calls `run` with its graph.
    pub(super) fn with_graph<T>(
        &self,
        path: HotPath,
        run: impl FnOnce(&Graph<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut graph = Graph::new();
        let grid = self.volume.grid();
        let cube = Extent::new(SIDE, SIDE, SIDE);
        let views = Extent::new(self.stack.views(), DETECTOR, DETECTOR);
        match path {
            HotPath::Siddon => {
                let volume = graph.upload("bench.volume", cube, self.volume.values());
                let integrals = graph.buffer::<f32>("bench.integrals", views);
                siddon::record(&mut graph, &self.geometry, grid, volume, integrals.replace());
                graph.result(integrals);
            }
            HotPath::Ramp => {
                let rows = graph.upload("bench.rows", views, self.stack.values());
                let filter = RampFilter { pitch_mm: self.stack.pitch_mm()[0], window: Window::RamLak, cutoff: 1.0 };
                let tables = ramp::Tables::record(&mut graph, &filter, DETECTOR);
                let filtered = ramp::record(&mut graph, &tables, rows);
                graph.result(filtered);
            }
            HotPath::Backproject => {
                let filtered = graph.upload("bench.filtered", views, self.stack.values());
                let volume = graph.buffer::<f32>("bench.volume", cube);
                backproject::record(&mut graph, &self.geometry, DetectorAxis::U, 0, grid, filtered, volume.replace());
                graph.result(volume);
            }
            HotPath::Fdk => {
                let task = Fdk::new(&self.stack, &self.scan, grid, FdkOptions::default())?;
                return run(task.graph());
            }
            HotPath::Pointwise => {
                let a = graph.upload("bench.a", cube, self.volume.values());
                let b = graph.upload("bench.b", cube, self.volume.values());
                let sum = scale_add::record(&mut graph, 0.25, a, 0.75, b);
                graph.result(sum);
            }
        }
        run(&graph)
    }
}
