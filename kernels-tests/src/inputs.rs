//! Seeded inputs, the same on every machine, and the scanners and grids that several kernels share.

use glam::{DMat3, DQuat, DVec3};
use kerma::{
    body::Body,
    data::{Grid, Unit, Volume},
    geometry::{ConeCircular, Geometry, Parallel, Scan, Source, TomosynthesisLinear, Travel, View},
    physics::Material,
};

/// Random numbers from a seed: Steele's SplitMix64.
pub struct Seeded(u64);

impl Seeded {
    /// Sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Number between `low` and `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (self.next() >> 11) as f64 / (1u64 << 53) as f64 * (high - low)
    }

    /// So many numbers between `low` and `high`.
    #[must_use]
    pub fn values(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| self.between(low.into(), high.into()) as f32).collect()
    }

    fn direction(&mut self) -> DVec3 {
        DVec3::from_array([(); 3].map(|()| self.between(-1.0, 1.0))).normalize_or(DVec3::X)
    }
}

/// Largest coefficient of [`noise_volume`], in 1/mm.
pub const LARGEST_NOISE: f32 = 0.05;

/// Coefficients from 0 to [`LARGEST_NOISE`] on a grid; the number of its voxels is their seed.
#[must_use]
pub fn noise_volume(grid: Grid) -> Volume {
    let values = Seeded::new(grid.voxel_count() as u64).values(grid.voxel_count(), 0.0, LARGEST_NOISE);
    known_good(Volume::new(grid, Unit::PerMillimetre, values))
}

/// Compositions of [`mixed_body`], that of empty space among them.
const COMPOSITIONS: usize = 50;

/// Voxels of fifty mixtures of so many materials, and of nothing in every third; the number of voxels is the seed.
#[must_use]
pub fn mixed_body(grid: Grid, materials: usize) -> Body {
    let mut seeded = Seeded::new((grid.voxel_count() + materials) as u64);
    let mut compositions = seeded.values(COMPOSITIONS * materials, 0.0, 1.0);
    compositions[..materials].fill(0.0);
    // Most mixtures lack some of the materials.
    compositions.iter_mut().step_by(3).for_each(|fraction| *fraction = 0.0);
    let mut number = |_| (seeded.between(-0.5, 1.0) * COMPOSITIONS as f64).max(0.0) as u32;
    let voxels = (0..grid.voxel_count()).map(&mut number).collect();
    let water = known_good(Material::by_name("water"));
    known_good(Body::new(grid, vec![water; materials], compositions, voxels))
}

/// Takes the value of a construction from constants.
#[expect(clippy::expect_used, reason = "inputs are constants of this crate: a wrong one is a defect found at once")]
pub(crate) fn known_good<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("constant inputs are right")
}

/// Grid about the origin, from its text.
pub(crate) fn grid(text: &str) -> Grid {
    known_good(text.parse())
}

/// The same grid turned about its centre.
pub(crate) fn turned(grid: Grid, axis: DVec3, angle_rad: f64) -> Grid {
    let orientation = DMat3::from_quat(DQuat::from_axis_angle(axis.normalize(), angle_rad));
    let centre = grid.centre_mm();
    known_good(Grid::new(grid.size(), grid.spacing_mm().to_array(), [0.0; 3], orientation)).with_centre(centre)
}

/// Cone beam on a full circle: SID 300, SDD 450.
pub(crate) fn cone(views: usize, detector: [usize; 2], pitch_mm: [f64; 2]) -> Scan {
    Scan::from(ConeCircular {
        source_isocentre_mm: 300.0,
        source_detector_mm: 450.0,
        views,
        start_deg: 7.0,
        arc_deg: 360.0,
        angles_deg: Vec::new(),
        detector,
        pitch_mm,
        offset_mm: [0.7, -0.3],
        tilt_deg: [0.0; 3],
    })
}

/// Parallel beam.
pub(crate) fn parallel(views: usize, start_deg: f64, arc_deg: f64, detector: [usize; 2], pitch_mm: [f64; 2]) -> Scan {
    Scan::from(Parallel {
        views,
        start_deg,
        arc_deg,
        angles_deg: Vec::new(),
        detector,
        pitch_mm,
        offset_mm: [0.0, 0.0],
    })
}

/// Linear tomosynthesis with a detector that stands still.
pub(crate) fn tomosynthesis(views: usize, travel: Travel, detector: [usize; 2], pitch_mm: [f64; 2]) -> Scan {
    Scan::from(TomosynthesisLinear {
        source_isocentre_mm: 300.0,
        source_detector_mm: 340.0,
        sweep_deg: 40.0,
        views,
        travel,
        detector_moves: false,
        detector,
        pitch_mm,
        offset_mm: [0.0, 0.0],
    })
}

/// The views of a scan.
pub(crate) fn views(scan: &Scan) -> Geometry {
    known_good(scan.build())
}

/// Sources all around at 200 to 400 mm, detectors beyond the origin in any pose that faces them.
pub(crate) fn tilted(seed: u64, views: usize, detector: [usize; 2], pitch_mm: f64) -> Geometry {
    let mut seeded = Seeded::new(seed);
    let view = |_| {
        let towards = seeded.direction();
        let normal = (towards + 0.4 * seeded.direction()).normalize();
        let across = normal.any_orthonormal_vector();
        let (sin, cos) = seeded.between(0.0, 6.3).sin_cos();
        let u = cos * across + sin * normal.cross(across);
        View {
            source: Source::Point(seeded.between(200.0, 400.0) * towards),
            detector_centre: -seeded.between(60.0, 150.0) * towards,
            u_step: pitch_mm * u,
            v_step: pitch_mm * seeded.between(0.7, 1.3) * normal.cross(u),
        }
    };
    known_good(Geometry::new(detector, (0..views).map(view).collect()))
}

/// One view from its vectors.
pub(crate) fn view(source: Source, centre: [f64; 3], u: [f64; 3], v: [f64; 3]) -> View {
    View { source, detector_centre: centre.into(), u_step: u.into(), v_step: v.into() }
}
