/// How finely the demo samples space and angles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sampling {
    /// Edge of the phantom's voxels; the voxels of a CT are averaged as long as they stay within it.
    pub(super) voxel_mm: f64,
    /// Samples along each side of a voxel that a surface of the phantom crosses.
    pub(super) supersampling: usize,
    /// Columns and rows of the radiograph.
    pub(super) radiograph_pixels: usize,
    /// Views of the cone-beam scan.
    pub(super) cone_beam_views: usize,
    /// Columns and rows of its detector.
    pub(super) cone_beam_detector: [usize; 2],
    /// Views of the tomosynthesis; an odd number, so that one looks straight on.
    pub(super) tomosynthesis_views: usize,
    /// Columns and rows of its detector.
    pub(super) tomosynthesis_pixels: usize,
    /// Voxels of its reconstruction across, in depth and along the body.
    pub(super) tomosynthesis_voxel_mm: [f64; 3],
}

impl Sampling {
    /// What a radiographer would want to look at: about a dozen seconds on two cores.
    pub(super) const FULL: Self = Self {
        voxel_mm: 1.5,
        supersampling: 3,
        radiograph_pixels: 720,
        cone_beam_views: 216,
        cone_beam_detector: [320, 240],
        tomosynthesis_views: 61,
        tomosynthesis_pixels: 288,
        tomosynthesis_voxel_mm: [1.25, 5.0, 1.25],
    };

    /// Half as fine along every axis: for tests and slow machines.
    pub(super) const QUICK: Self = Self {
        voxel_mm: 3.0,
        supersampling: 2,
        radiograph_pixels: 240,
        cone_beam_views: 120,
        cone_beam_detector: [160, 120],
        tomosynthesis_views: 31,
        tomosynthesis_pixels: 160,
        tomosynthesis_voxel_mm: [2.5, 8.0, 2.5],
    };
}
