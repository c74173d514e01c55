//! What the host finds out about an image before anything is recorded: its grey levels and what they mean.

use super::{Depth, EnhanceOptions, Polarity, Response, TaskError};
use crate::{
    data::{Image, ImageInfo, Sample, Unit},
    kernels::pointwise::table::Table,
    parallel::*,
};

/// Values looked at by one thread at a time: enough to outweigh the hand-over, few enough to stay in its cache.
const CHUNK: usize = 1 << 16;
/// Values compared side by side, so that the compiler makes vectors of them.
const LANES: usize = 16;
/// Bits on which float images are mapped.
const FLOAT_BITS: u8 = 16;

/// How values become grey levels and grey levels values.
///
/// Grey level q stands for the value `low + q·step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    pub(super) bits: u8,
    pub(super) low: f32,
    pub(super) step: f32,
    /// Whether the image has one value alone, so that there is nothing to enhance.
    pub(super) is_flat: bool,
}

impl Levels {
    /// Measures an image on all cores.
    ///
    /// A logarithm needs to know where no signal is: with a linear response, float images count from 0, and what lies
    /// below counts as 0.
    pub(super) fn of(image: &Image, depth: Depth, meaning: Meaning) -> Result<Self, TaskError> {
        let range = range(image.values());
        if range.is_none() {
            image.check_finite()?;
        }
        let [low, high] = range.unwrap_or_default();
        let is_flat = low == high;
        match image.sample() {
            Sample::Unsigned { bits } => {
                let used = u32::BITS - (high.round().clamp(0.0, f32::from(u16::MAX)) as u32).leading_zeros();
                let bits = match depth {
                    Depth::Used => used.max(1) as u8,
                    Depth::Stored => bits.clamp(1, 16),
                };
                Ok(Self { bits, low: 0.0, step: 1.0, is_flat })
            }
            Sample::Float => {
                let [low, high] = if meaning.is_linear && !is_flat { [0.0, high.max(0.0)] } else { [low, high] };
                let is_flat = low == high;
                let top = f64::from((1_u32 << FLOAT_BITS) - 1);
                let step = ((f64::from(high) - f64::from(low)) / top) as f32;
                Ok(Self { bits: FLOAT_BITS, low, step, is_flat })
            }
        }
    }
}

/// Smallest and largest value, or nothing when one is not finite.
fn range(values: &[f32]) -> Option<[f32; 2]> {
    let part = |chunk: &[f32]| {
        let (mut low, mut high, mut finite) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES], [true; LANES]);
        let (groups, rest) = chunk.as_chunks::<LANES>();
        for group in groups {
            for i in 0..LANES {
                let v = group[i];
                low[i] = if v < low[i] { v } else { low[i] };
                high[i] = if v > high[i] { v } else { high[i] };
                finite[i] &= v.abs() < f32::INFINITY;
            }
        }
        let all = low.into_iter().chain(high).filter(|v| v.is_finite()).chain(rest.iter().copied());
        let bounds = all.fold([f32::INFINITY, f32::NEG_INFINITY], |[a, b], v| [a.min(v), b.max(v)]);
        (bounds, finite.into_iter().all(|f| f) && rest.iter().all(|v| v.is_finite()))
    };
    let merge = |(a, f): ([f32; 2], bool), (b, g): ([f32; 2], bool)| ([a[0].min(b[0]), a[1].max(b[1])], f && g);
    let none = ([f32::INFINITY, f32::NEG_INFINITY], true);
    let (bounds, finite) = values.par_chunks(CHUNK).map(part).reduce(|| none, merge);
    finite.then_some(bounds)
}

/// What grey levels mean for X-rays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Grey levels grow with the exposure, so that dense matter is dark.
    pub(super) is_exposure: bool,
    /// Grey levels are proportional to the exposure (or its complement), not to its logarithm.
    pub(super) is_linear: bool,
}

impl Meaning {
    /// From what was asked for, and else from what the file says.
    pub(super) fn of(image: &Image, info: &ImageInfo, options: &EnhanceOptions) -> Self {
        let is_linear = match options.response {
            Response::Auto => image.unit() == Unit::Transmission || info.linear,
            Response::Log => false,
            Response::Linear => true,
        };
        let is_exposure = match options.polarity {
            Polarity::Auto => ImageInfo { linear: is_linear, ..*info }.grows_with_exposure(),
            Polarity::AsIs => false,
            Polarity::Inverted => true,
        };
        Self { is_exposure, is_linear }
    }

    /// The grey level that stands for every old one, or nothing when they stay.
    pub(super) fn table(self, bits: u8) -> Option<Table> {
        let logarithm = || Table::logarithm(bits, bits);
        match (self.is_exposure, self.is_linear) {
            (false, false) => None,
            (true, false) => Some(Table::inversion(bits, bits)),
            (true, true) => Some(logarithm()),
            (false, true) => Some(Table::inversion(bits, bits).then(&logarithm())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Trend;

    const PLAIN: Meaning = Meaning { is_exposure: false, is_linear: false };

    fn image(sample: Sample, values: Vec<f32>) -> Image {
        Image::new([values.len(), 1], None, sample, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn integers_need_the_bits_of_their_largest_value() {
        let bits = |values: Vec<f32>| {
            Levels::of(&image(Sample::Unsigned { bits: 16 }, values), Depth::Used, PLAIN).unwrap().bits
        };
        for (largest, want) in [(0.0, 1), (1.0, 1), (2.0, 2), (1023.0, 10), (1024.0, 11), (65535.0, 16)] {
            for length in [1, 15, 16, 17, CHUNK + 1] {
                let mut values = vec![0.0; length];
                values[length - 1] = largest;
                assert_eq!(bits(values), want, "{largest} in {length} values");
            }
        }
        let all = Levels::of(&image(Sample::Unsigned { bits: 12 }, vec![3.0]), Depth::Stored, PLAIN).unwrap();
        assert_eq!(all.bits, 12);
    }

    #[test]
    fn floats_are_spread_over_sixteen_bits() {
        let levels = Levels::of(&image(Sample::Float, vec![-1.0, 0.5, 3.0]), Depth::Used, PLAIN).unwrap();
        assert_eq!((levels.bits, levels.low), (16, -1.0));
        assert!((levels.low + 65535.0 * levels.step - 3.0).abs() < 1e-6);
        let flat = Levels::of(&image(Sample::Float, vec![2.5; 40]), Depth::Used, PLAIN).unwrap();
        assert_eq!((flat.low, flat.step), (2.5, 0.0));
    }

    #[test]
    fn levels_of_a_linear_signal_begin_at_no_signal() {
        let signals: Vec<f32> = (50..=1000).map(|i| i as f32 * 2e-3).collect();
        let meaning = Meaning { is_exposure: true, is_linear: true };
        let levels = Levels::of(&image(Sample::Float, signals.clone()), Depth::Used, meaning).unwrap();
        let table = meaning.table(levels.bits).unwrap();
        for v in signals {
            let level = ((v - levels.low) / levels.step).round() as usize;
            let want = 1.0 - (f64::from(v) / 2.0 * 65_535.0).max(1.0).ln() / 65_535_f64.ln();
            // Half a level of the signal, a 3277th at least, and half a level of the logarithm.
            assert!((f64::from(table.values()[level]) - want * 65_535.0).abs() < 1.5, "{v}");
        }
        let of = |values: [f32; 2]| Levels::of(&image(Sample::Float, values.to_vec()), Depth::Used, meaning).unwrap();
        assert_eq!((of([-1.0, 3.0]).low, of([-1.0, 3.0]).step), (0.0, 3.0 / 65_535.0));
        assert_eq!(of([-2.0, -1.0]), Levels { bits: 16, low: 0.0, step: 0.0, is_flat: true });
        assert_eq!(of([2.5, 2.5]), Levels { bits: 16, low: 2.5, step: 0.0, is_flat: true });
    }

    #[test]
    fn values_that_are_not_finite_are_refused_wherever_they_stand() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for (length, at) in [(1, 0), (33, 5), (33, 32), (2 * CHUNK, CHUNK)] {
                let mut values = vec![1.0; length];
                values[at] = bad;
                let message = Levels::of(&image(Sample::Float, values), Depth::Used, PLAIN).unwrap_err().to_string();
                assert!(message.ends_with(&format!("not finite, the first at index {at}")), "{message}");
            }
        }
    }

    #[test]
    fn tables_turn_exposure_into_attenuation() {
        let none = Meaning { is_exposure: false, is_linear: false };
        let values =
            |is_exposure, is_linear, bits| Meaning { is_exposure, is_linear }.table(bits).unwrap().values().to_vec();
        assert_eq!(none.table(8), None);
        assert_eq!(values(true, false, 2), [3, 2, 1, 0]);
        for bits in [1, 8, 16] {
            let table = values(true, true, bits);
            assert_eq!((table.len(), table[0], table[(1 << bits) - 1]), (1 << bits, ((1_u32 << bits) - 1) as u16, 0));
            assert!(values(false, true, bits).iter().eq(table.iter().rev()));
        }
    }

    #[test]
    fn what_was_asked_for_comes_before_what_the_file_says() {
        let plain = image(Sample::Unsigned { bits: 8 }, vec![1.0]);
        let meaning = |info: ImageInfo, polarity, response| {
            let options = EnhanceOptions { polarity, response, ..EnhanceOptions::default() };
            let Meaning { is_exposure, is_linear } = Meaning::of(&plain, &info, &options);
            (is_exposure, is_linear)
        };
        let inverted = ImageInfo { inverted: true, ..ImageInfo::default() };
        let linear = ImageInfo { linear: true, ..ImageInfo::default() };
        assert_eq!(meaning(inverted, Polarity::Auto, Response::Auto), (true, false));
        assert_eq!(meaning(inverted, Polarity::AsIs, Response::Auto), (false, false));
        assert_eq!(meaning(linear, Polarity::Auto, Response::Auto), (true, true));
        assert_eq!(meaning(linear, Polarity::Auto, Response::Log), (false, false));
        let rising = ImageInfo { intensity: Some(Trend::Rising), ..ImageInfo::default() };
        let falling = ImageInfo { intensity: Some(Trend::Falling), inverted: true, ..linear };
        assert_eq!(meaning(rising, Polarity::Auto, Response::Auto), (true, false));
        assert_eq!(meaning(rising, Polarity::AsIs, Response::Auto), (false, false));
        assert_eq!(meaning(falling, Polarity::Auto, Response::Auto), (false, true));
        assert_eq!(meaning(falling, Polarity::Auto, Response::Log), (false, false));
        assert_eq!(meaning(ImageInfo::default(), Polarity::Inverted, Response::Linear), (true, true));
        assert_eq!(meaning(ImageInfo::default(), Polarity::AsIs, Response::Linear), (false, true));
    }
}
