//! What is asked of pinned kernels where bits cannot be: on adapters whose self-test fails, and with pins switched off.
//!
//! Such an adapter fuses, rearranges and contracts, but every operation is still rounded to single precision. Bounds
//! are relative to the largest magnitude of a buffer and count roundings of u = 2⁻²⁴.

/// Largest allowed difference of one buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// Shares of the buffer's largest magnitude.
    OfPeak {
        /// Of any value.
        worst: f64,
        /// Root mean square over the buffer.
        rms: f64,
    },
    /// Distance between whole numbers of up to 16 bits, one or two to a word.
    Levels(u32),
}

/// Half a unit in the last place of a number between 1 and 2.
const U: f64 = 1.0 / (1 << 24) as f64;

/// Two products and a sum, each rounded once on either side.
const FEW_ROUNDINGS: f64 = 8.0 * U;
/// ln x loses where it is near 0, which no share of the peak shows; its terms are at most the peak: ten Horner steps
/// with two roundings each, halved at every step by |f| ≤ ½, and four sums.
const LOGARITHM: f64 = 16.0 * U;
/// exp x: an argument of up to 88 reduced with one rounding (88·u of the value at worst), ten Horner steps, one product.
const EXPONENTIAL: f64 = 128.0 * U;
/// A running sum of 1000 numbers is off by at most 1000·u of the sum of magnitudes, on either side.
const SUM: f64 = 2048.0 * U;
/// The gain of a band: a logarithm of up to 11, times a power, is the argument of an exponential, and a containment's
/// exponential follows; both halved by the powers below 1 that are tried. As [`EXPONENTIAL`], twice.
const CURVE: f64 = 2.0 * EXPONENTIAL;
/// An entry of a table may round to its neighbour, and so may what is blended of such entries.
const OPENCV_LEVELS: u32 = 2;
/// One level of the 14 bits that are blended is four of the 16 that they are stretched to; so is a smallest or a
/// largest value that moves by one. The stretch rounds once more.
const SKIMAGE_LEVELS: u32 = 9;
/// Rays are placed with 10⁻⁹ voxel by double-single sums that a rearranging compiler undoes. What is left is one
/// rounding of a coordinate of up to 512 voxels, 3·10⁻⁵ voxel; a ray that meets the planes of an axis at slope s is
/// shifted along by 1/s of that, and noise of full contrast makes a path of 0.03 voxel (s = 10⁻³) out of it, of paths
/// that are 30 voxels long at the peak. Rays that are so nearly parallel to a face are one in a thousand; the others
/// change by 3·10⁻⁵ voxel at each of some 50 planes, in quadrature.
const PATH: [f64; 2] = [1e-3, 4e-5];
/// A place between voxels, of up to 512 of them, is rounded four times: 1.2·10⁻⁴ voxel, by which the weights of its voxels change. Voxels of
/// noise differ by up to twice their size, and samples add up in quadrature, as the sums do.
const SLICES: [f64; 2] = [1e-3, 2.4e-4];
/// A transform of 2048 numbers: 11 levels of two roundings, forward, product and back, on rows that add up in
/// quadrature; ×4 for the segments of long rows and the largest of 10⁴ values.
const TRANSFORM: f64 = 4.0 * 2.0 * 24.0 * U;
/// A detector coordinate of up to 512 pixels is rounded to 3·10⁻⁵ pixel, and neighbouring pixels of noise differ by up
/// to twice their size. A voxel that is seen at the detector's very rim may lose its whole value in one of at least 8
/// views, but hardly one voxel in 10⁵ is.
const GATHER: [f64; 2] = [0.13, 5e-4];

impl Tolerance {
    /// What is asked of a kernel.
    #[must_use]
    pub fn of(kernel: &str) -> Self {
        let [worst, rms] = match kernel {
            "pointwise.window_level" | "pointwise.quantise" => return Self::Levels(1),
            "clahe.lut_opencv" | "clahe.blend_opencv" => return Self::Levels(OPENCV_LEVELS),
            "clahe.lut_skimage" | "clahe.blend_skimage" => return Self::Levels(SKIMAGE_LEVELS),
            "pointwise.line_integral" | "detector.correct" => [LOGARITHM; 2],
            "pointwise.transmission" | "beam.signal" => [EXPONENTIAL; 2],
            "statistics.rows" | "statistics.merge" | "detector.blur" | "fourier.gather" => [SUM; 2],
            "fdk.ramp" | "fourier.spectra" | "fourier.rows" | "fourier.columns" | "tasks.fourier" => [TRANSFORM; 2],
            "fdk.backproject" | "tasks.fdk" => GATHER,
            "pyramid.collapse" => [CURVE; 2],
            "project.siddon"
            | "project.axial"
            | "project.siddon_adjoint"
            | "project.thickness"
            | "tasks.projection" => PATH,
            "project.joseph"
            | "project.joseph_adjoint"
            | "project.joseph_axial"
            | "project.joseph_axial_adjoint"
            | "project.trilinear"
            | "project.trilinear_adjoint" => SLICES,
            _ => [FEW_ROUNDINGS; 2],
        };
        Self::OfPeak { worst, rms }
    }
}
