use crate::data::{Image, Sample};

/// Noise in 8-bit grey levels above which the paper changes its parameters.
const HIGH_NOISE: f32 = 40.0;
/// Full scale of the images that the paper's distances and noise levels are given for.
const PAPER_RANGE: f32 = 255.0;

/// Set of parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// [`High`](Self::High) where the noise is above 40/255 of the range, else [`Normal`](Self::Normal).
    #[default]
    Auto,
    /// Blocks of 8x8; matching on pixels as they are.
    Normal,
    /// Blocks of 12x12, then 11x11; the first matching is on thresholded spectra. For strong noise.
    High,
}

/// What can be chosen about [`bm3d`](super::bm3d()).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// Set of parameters.
    pub profile: Profile,
    /// Span of grey values that stands for the paper's 255; scales the distances at which blocks still match.
    ///
    /// `None` is full scale for integer images (2^bits − 1) and largest minus smallest value for the others.
    pub range: Option<f32>,
}

impl Options {
    pub(super) fn range_of(&self, image: &Image) -> f32 {
        self.range.unwrap_or_else(|| match image.sample() {
            Sample::Unsigned { bits } => ((1_u32 << bits.min(16)) - 1) as f32,
            Sample::Float => {
                let extremes = image.values().iter().fold([f32::MAX, f32::MIN], |[a, b], &v| [a.min(v), b.max(v)]);
                extremes[1] - extremes[0]
            }
        })
    }

    pub(super) fn steps(&self, sigma: f32, range: f32) -> [Step; 2] {
        let high = match self.profile {
            Profile::Auto => sigma * PAPER_RANGE > HIGH_NOISE * range,
            Profile::Normal => false,
            Profile::High => true,
        };
        let scale = (range / PAPER_RANGE) * (range / PAPER_RANGE);
        let steps = if high { HIGH } else { NORMAL };
        steps.map(|step| Step { distance: step.distance * scale, ..step })
    }
}

/// Parameters of one of the two steps; names of the paper's Table I in brackets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// Side of a block [N1].
    pub(super) side: usize,
    /// Most blocks in one group, a power of two [N2].
    pub(super) members: usize,
    /// Distance between reference blocks [Nstep].
    pub(super) stride: usize,
    /// Largest mean squared difference of blocks that match [τ].
    pub(super) distance: f32,
    /// Threshold of block spectra before matching, in standard deviations; 0 matches pixels [λ2D].
    pub(super) prefilter: f32,
    /// Threshold of group spectra, in standard deviations; not for the Wiener step [λ3D].
    pub(super) threshold: f32,
}

const NORMAL: [Step; 2] = [
    Step { side: 8, members: 16, stride: 3, distance: 2500.0, prefilter: 0.0, threshold: 2.7 },
    Step { side: 8, members: 32, stride: 3, distance: 400.0, prefilter: 0.0, threshold: 0.0 },
];
const HIGH: [Step; 2] = [
    Step { side: 12, members: 16, stride: 4, distance: 5000.0, prefilter: 2.0, threshold: 2.8 },
    Step { side: 11, members: 32, stride: 6, distance: 3500.0, prefilter: 0.0, threshold: 0.0 },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Unit;

    fn image(sample: Sample) -> Image {
        Image::new([2, 1], None, sample, Unit::Arbitrary, vec![-1.0, 2.0]).unwrap()
    }

    #[test]
    fn the_range_is_given_or_full_scale_or_the_span_of_the_values() {
        let options = Options::default();
        assert_eq!(options.range_of(&image(Sample::Unsigned { bits: 14 })), 16383.0);
        assert_eq!(options.range_of(&image(Sample::Float)), 3.0);
        assert_eq!(Options { range: Some(7.0), ..options }.range_of(&image(Sample::Float)), 7.0);
    }

    #[test]
    fn distances_scale_with_the_square_of_the_range_and_strong_noise_changes_the_profile() {
        let options = Options::default();
        assert_eq!(options.steps(40.0, 255.0)[0], NORMAL[0]);
        assert_eq!(options.steps(40.1, 255.0)[1], HIGH[1]);
        assert_eq!(options.steps(40.0, 510.0)[1].distance, 1600.0);
    }
}
