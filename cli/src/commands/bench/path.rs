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
        project::siddon,
    },
    tasks::{
        Fdk, FdkOptions, Recorded,
        enhance::{ClaheOptions, EnhanceOptions, Enhancement, LaplacianOptions, Preset},
    },
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
/// Columns and rows of the radiograph.
const RADIOGRAPH: usize = 4000;
/// Its bits.
const RADIOGRAPH_BITS: u8 = 16;

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
    /// CLAHE in 8×8 tiles of a radiograph of 4000² and 16 bits
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

    /// Name and size for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Siddon => "siddon 128³ → 64×192²",
            Self::Ramp => "ramp 180×192²",
            Self::Backproject => "backproject 180×192² → 128³",
            Self::Fdk => "fdk 180×192² → 128³",
            Self::Pointwise => "pointwise 128³",
            Self::Clahe => "clahe 4000², 16 bits",
            Self::Laplacian => "laplacian 4000², 16 bits",
            Self::Enhance => "enhance 4000², 16 bits",
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
    pub(super) fn work(self) -> f64 {
        let (voxels, pixels) = (SIDE.pow(3) as f64, DETECTOR.pow(2) as f64);
        match self {
            Self::Siddon => PROJECTED_VIEWS as f64 * pixels,
            Self::Ramp => RECONSTRUCTED_VIEWS as f64 * pixels,
            Self::Backproject | Self::Fdk => RECONSTRUCTED_VIEWS as f64 * voxels,
            Self::Pointwise => voxels,
            Self::Clahe | Self::Laplacian | Self::Enhance => RADIOGRAPH.pow(2) as f64,
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
    pub(super) fn inputs(self) -> Result<Inputs, Failure> {
        if let Some(options) = self.enhancement()? {
            return Ok(Inputs::Radiograph(radiograph()?, options));
        }
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
        Ok(Inputs::Tomography { scan, geometry, volume, stack })
    }
}

/// Smooth structure with 2 % of noise from a hash of the place: histograms and tables are filled as by a radiograph.
fn radiograph() -> Result<Image, Failure> {
    let top = f64::from((1_u32 << RADIOGRAPH_BITS) - 1);
    let value = |x: u32, y: u32| {
        let mut hash = x.wrapping_mul(0x9E37_79B9) ^ y.wrapping_mul(0x85EB_CA6B);
        hash = (hash ^ hash >> 15).wrapping_mul(0x2C1B_3C6D);
        let noise = f64::from((hash ^ hash >> 12) >> 8) / 16_777_216.0 - 0.5;
        let structure = 0.3 * (f64::from(x) / 700.0).sin() * (f64::from(y) / 900.0).cos();
        ((0.45 + structure + 0.02 * noise) * top).floor() as f32
    };
    let side = RADIOGRAPH as u32;
    let values = (0..side).flat_map(|y| (0..side).map(move |x| value(x, y))).collect();
    let sample = Sample::Unsigned { bits: RADIOGRAPH_BITS };
    Ok(Image::new([RADIOGRAPH; 2], None, sample, Unit::Arbitrary, values)?)
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
        let cube = Extent::new(SIDE, SIDE, SIDE);
        let views = Extent::new(stack.views(), DETECTOR, DETECTOR);
        match path {
            HotPath::Siddon => {
                let uploaded = graph.upload("bench.volume", cube, volume.values());
                let integrals = graph.buffer::<f32>("bench.integrals", views);
                siddon::record(&mut graph, geometry, grid, uploaded, integrals.replace());
                graph.result(integrals);
            }
            HotPath::Ramp => {
                let rows = graph.upload("bench.rows", views, stack.values());
                let filter = RampFilter { pitch_mm: stack.pitch_mm()[0], window: Window::RamLak, cutoff: 1.0 };
                let tables = ramp::Tables::record(&mut graph, &filter, DETECTOR);
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
