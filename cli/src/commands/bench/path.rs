use clap::ValueEnum;
use kerma::{
    data::{Grid, Image, ImageInfo, Projections, Sample, Unit, Volume},
    engine::{Extent, Graph},
    geometry::{DetectorAxis, Geometry, Scan},
    kernels::{
        clahe::Convention,
        fdk::{
            backproject,
            ramp::{self, RampFilter, Window},
        },
        pointwise::scale_add,
        project::{Projector, Sampling},
    },
    tasks::{
        Fdk, FdkOptions, Recorded,
        enhance::{ClaheOptions, EnhanceOptions, Enhancement, LaplacianOptions, Preset},
    },
};

use crate::failure::Failure;

/// Side of the cube, which lies within the detector's view.
const CUBE_MM: f64 = 192.0;
/// Side of the detector.
const DETECTOR_MM: f64 = 384.0;
/// Bits of the radiograph.
const RADIOGRAPH_BITS: u8 = 16;

/// How much is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Voxels along each side of the volume.
    side: usize,
    /// Columns and rows of the detector.
    detector: usize,
    /// Views that are projected.
    projected: usize,
    /// Views that are reconstructed.
    reconstructed: usize,
    /// Columns and rows of the radiograph.
    radiograph: usize,
}

impl Size {
    pub(super) const SMALL: Self =
        Self { side: 128, detector: 192, projected: 64, reconstructed: 180, radiograph: 4000 };
    pub(super) const LARGE: Self =
        Self { side: 256, detector: 384, projected: 180, reconstructed: 360, radiograph: 8000 };

    /// The small size with another number of voxels and of pixels that see them.
    pub(super) const fn of_side(side: usize) -> Self {
        Self { side, detector: side * 3 / 2, ..Self::SMALL }
    }
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HotPath {
    /// Siddon's projection of a volume in a cone beam
    Siddon,
    /// Ramp filter of a cone beam's views
    Ramp,
    /// Back-projection of the same
    Backproject,
    /// All of an FDK reconstruction
    Fdk,
    /// Weighted sum of two volumes
    Pointwise,
    /// CLAHE in 8×8 tiles of a radiograph of 16 bits
    Clahe,
    /// Three bands of a Laplacian pyramid of the same, taken apart, raised and put together
    Laplacian,
    /// The whole enhancement of the same with the chest preset
    Enhance,
}

impl HotPath {
    pub(super) const ALL: [Self; 8] = [
        Self::Siddon,
        Self::Ramp,
        Self::Backproject,
        Self::Fdk,
        Self::Pointwise,
        Self::Clahe,
        Self::Laplacian,
        Self::Enhance,
    ];

    /// What the command line calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Siddon => "siddon",
            Self::Ramp => "ramp",
            Self::Backproject => "backproject",
            Self::Fdk => "fdk",
            Self::Pointwise => "pointwise",
            Self::Clahe => "clahe",
            Self::Laplacian => "laplacian",
            Self::Enhance => "enhance",
        }
    }

    /// Whether its subject is a volume rather than a radiograph.
    pub(super) fn is_of_volumes(self) -> bool {
        !matches!(self, Self::Clahe | Self::Laplacian | Self::Enhance)
    }

    /// Name and size for people.
    pub(super) fn label(self, size: Size) -> String {
        let Size { side, detector, projected, reconstructed, radiograph } = size;
        let name = self.name();
        match self {
            Self::Siddon => format!("{name} {side}³ → {projected}×{detector}²"),
            Self::Ramp => format!("{name} {reconstructed}×{detector}²"),
            Self::Backproject | Self::Fdk => format!("{name} {reconstructed}×{detector}² → {side}³"),
            Self::Pointwise => format!("{name} {side}³"),
            Self::Clahe | Self::Laplacian | Self::Enhance => format!("{name} {radiograph}², {RADIOGRAPH_BITS} bits"),
        }
    }

    /// Unit of the throughput and how many of the work's items it counts.
    pub(super) fn unit(self) -> (&'static str, f64) {
        match self {
            Self::Siddon => ("Mrays/s", 1e6),
            Self::Ramp | Self::Pointwise | Self::Clahe | Self::Laplacian | Self::Enhance => ("Mpixel/s", 1e6),
            Self::Backproject | Self::Fdk => ("G updates/s", 1e9),
        }
    }

    /// Rays, pixels or voxel updates.
    pub(super) fn work(self, size: Size) -> f64 {
        let (voxels, pixels) = (size.side.pow(3) as f64, size.detector.pow(2) as f64);
        match self {
            Self::Siddon => size.projected as f64 * pixels,
            Self::Ramp => size.reconstructed as f64 * pixels,
            Self::Backproject | Self::Fdk => size.reconstructed as f64 * voxels,
            Self::Pointwise => voxels,
            Self::Clahe | Self::Laplacian | Self::Enhance => size.radiograph.pow(2) as f64,
        }
    }

    /// What is done to the radiograph; nothing where the path has another subject.
    fn enhancement(self) -> Result<Option<EnhanceOptions>, Failure> {
        Ok(match self {
            Self::Clahe => {
                let clahe = ClaheOptions { tiles: [8, 8], clip: 2.0, convention: Convention::Kerma };
                Some(EnhanceOptions { clahe: Some(clahe), ..EnhanceOptions::default() })
            }
            Self::Laplacian => {
                let laplacian = LaplacianOptions::of_gains(vec![1.3; 3]);
                Some(EnhanceOptions { laplacian: Some(laplacian), ..EnhanceOptions::default() })
            }
            Self::Enhance => Some(Preset::find("chest")?.options),
            Self::Siddon | Self::Ramp | Self::Backproject | Self::Fdk | Self::Pointwise => None,
        })
    }

    /// What the path works on. Times do not depend on the values, as long as they are ordinary numbers.
    pub(super) fn inputs(self, size: Size) -> Result<Inputs, Failure> {
        if let Some(options) = self.enhancement()? {
            return Ok(Inputs::Radiograph(radiograph(size.radiograph)?, options));
        }
        let Size { side, detector, projected, reconstructed, .. } = size;
        let views = if self == Self::Siddon { projected } else { reconstructed };
        let Scan::ConeCircular(mut cone) = Scan::from_toml(Scan::example("cone-circular")?)? else {
            return Err(Failure::input("the example of cone-circular is of another kind"));
        };
        (cone.views, cone.detector, cone.pitch_mm) = (views, [detector; 2], [DETECTOR_MM / detector as f64; 2]);
        let scan = Scan::from(cone);
        let geometry = scan.build()?;
        let ramp = |count: usize| (0..count).map(|i| (i % 251) as f32 / 251.0).collect::<Vec<f32>>();
        let volume =
            Volume::new(Grid::centred([side; 3], [CUBE_MM / side as f64; 3])?, Unit::PerMillimetre, ramp(side.pow(3)))?;
        let values = ramp(geometry.value_count());
        let stack = Projections::new(views, [detector; 2], geometry.pitch_mm(), Unit::LineIntegral, values)?;
        Ok(Inputs::Tomography { scan, geometry, volume, stack })
    }
}

/// Smooth structure with 2 % of noise from a hash of the place: histograms and tables are filled as by a radiograph.
fn radiograph(side: usize) -> Result<Image, Failure> {
    let top = f64::from((1_u32 << RADIOGRAPH_BITS) - 1);
    let value = |x: u32, y: u32| {
        let mut hash = x.wrapping_mul(0x9E37_79B9) ^ y.wrapping_mul(0x85EB_CA6B);
        hash = (hash ^ hash >> 15).wrapping_mul(0x2C1B_3C6D);
        let noise = f64::from((hash ^ hash >> 12) >> 8) / 16_777_216.0 - 0.5;
        let structure = 0.3 * (f64::from(x) / 700.0).sin() * (f64::from(y) / 900.0).cos();
        ((0.45 + structure + 0.02 * noise) * top).floor() as f32
    };
    let values = (0..side as u32).flat_map(|y| (0..side as u32).map(move |x| value(x, y))).collect();
    let sample = Sample::Unsigned { bits: RADIOGRAPH_BITS };
    Ok(Image::new([side; 2], None, sample, Unit::Arbitrary, values)?)
}

/// What a hot path works on.
pub(super) enum Inputs {
    /// A scan of a cube.
    Tomography { scan: Scan, geometry: Geometry, volume: Volume, stack: Projections },
    /// A radiograph and what is done to it.
    Radiograph(Image, EnhanceOptions),
}

impl Inputs {
    /// Records a hot path with its transfers and calls `run` with its graph.
    pub(super) fn with_graph<T>(
        &self,
        path: HotPath,
        run: impl FnOnce(&Graph<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (scan, geometry, volume, stack) = match self {
            Self::Tomography { scan, geometry, volume, stack } => (scan, geometry, volume, stack),
            Self::Radiograph(image, options) => {
                return run(Enhancement::new(image, &ImageInfo::default(), None, options, &[])?.graph());
            }
        };
        let mut graph = Graph::new();
        let grid = volume.grid();
        let ([nx, ny, nz], [columns, rows]) = (grid.size(), stack.detector());
        let cube = Extent::new(nz, ny, nx);
        let views = Extent::new(stack.views(), rows, columns);
        match path {
            HotPath::Siddon => {
                let uploaded = graph.upload("bench.volume", cube, volume.values());
                let integrals = graph.buffer::<f32>("bench.integrals", views);
                let projector = Projector::new(&mut graph, Sampling::Siddon, geometry, grid, uploaded);
                projector.record(&mut graph, geometry, integrals);
                graph.result(integrals);
            }
            HotPath::Ramp => {
                let rows = graph.upload("bench.rows", views, stack.values());
                let filter =
                    RampFilter { pitch_mm: stack.pitch_mm()[0], window: Window::RamLak, cutoff: 1.0, profile: None };
                let tables = ramp::Tables::record(&mut graph, &filter, columns);
                let filtered = ramp::record(&mut graph, &tables, rows);
                graph.result(filtered);
            }
            HotPath::Backproject => {
                let filtered = graph.upload("bench.filtered", views, stack.values());
                let sums = graph.buffer::<f32>("bench.volume", cube);
                backproject::record(&mut graph, geometry, DetectorAxis::U, 0, grid, filtered, sums.replace());
                graph.result(sums);
            }
            HotPath::Fdk => {
                let task = Fdk::new(stack, scan, grid, FdkOptions::default())?;
                return run(task.graph());
            }
            // Their graphs are those of radiographs, and have been run above.
            HotPath::Clahe | HotPath::Laplacian | HotPath::Enhance => {}
            HotPath::Pointwise => {
                let a = graph.upload("bench.a", cube, volume.values());
                let b = graph.upload("bench.b", cube, volume.values());
                let sum = scale_add::record(&mut graph, 0.25, a, 0.75, b);
                graph.result(sum);
            }
        }
        run(&graph)
    }
}
