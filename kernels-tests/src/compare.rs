use crate::Tolerance;

/// How two buffers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    /// Values compared.
    pub values: u64,
    /// Values whose bits differ, the sign of zero aside.
    pub differing: u64,
    /// Largest distance in units in the last place; for integers their distance.
    pub worst_ulp: u32,
    /// Largest distance between whole numbers of up to 16 bits, one or two to a word.
    pub worst_levels: u32,
    /// Largest distance relative to the buffer's largest magnitude.
    pub worst_of_peak: f64,
    /// Root mean square of the distances relative to the buffer's largest magnitude.
    pub rms_of_peak: f64,
    /// Index of the first differing value.
    pub first: Option<usize>,
}

impl Difference {
    /// Compares buffers word by word; words that only one of them has count as differing.
    #[must_use]
    pub fn between(wanted: &[u32], got: &[u32]) -> Self {
        let missing = wanted.len().abs_diff(got.len()) as u64;
        let mut difference = Self { values: wanted.len() as u64, differing: missing, ..Self::default() };
        if missing > 0 {
            difference.worst_ulp = u32::MAX;
            difference.worst_levels = u32::MAX;
            difference.worst_of_peak = f64::INFINITY;
            difference.rms_of_peak = f64::INFINITY;
            difference.first = Some(wanted.len().min(got.len()));
        }
        let (mut worst, mut square) = (0.0f64, 0.0);
        for (index, (&w, &g)) in wanted.iter().zip(got).enumerate() {
            let (w, g) = (without_sign_of_zero(w), without_sign_of_zero(g));
            if w == g {
                continue;
            }
            difference.differing += 1;
            difference.first.get_or_insert(index);
            difference.worst_ulp = difference.worst_ulp.max(rank(w).abs_diff(rank(g)));
            let levels = [0, 16].map(|half| (w >> half & 0xffff).abs_diff(g >> half & 0xffff));
            difference.worst_levels = levels.into_iter().fold(difference.worst_levels, u32::max);
            let distance = (f64::from(f32::from_bits(w)) - f64::from(f32::from_bits(g))).abs();
            // A NaN on one side is as far away as can be.
            let distance = if distance.is_nan() { f64::INFINITY } else { distance };
            worst = worst.max(distance);
            square += distance * distance;
        }
        if worst > 0.0 {
            let peak = wanted.iter().map(|w| f64::from(f32::from_bits(*w)).abs()).fold(0.0, f64::max);
            let peak = peak.max(f64::MIN_POSITIVE);
            difference.worst_of_peak = difference.worst_of_peak.max(worst / peak);
            difference.rms_of_peak = difference.rms_of_peak.max((square / wanted.len() as f64).sqrt() / peak);
        }
        difference
    }

    /// Whether every bit is equal, the sign of zero aside.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.differing == 0
    }

    /// Whether the buffers agree as closely as `tolerance` asks.
    #[must_use]
    pub fn is_within(&self, tolerance: Tolerance) -> bool {
        match tolerance {
            Tolerance::OfPeak { worst, rms } => self.worst_of_peak <= worst && self.rms_of_peak <= rms,
            Tolerance::Levels(bound) => self.worst_levels <= bound,
        }
    }
}

fn without_sign_of_zero(bits: u32) -> u32 {
    if bits == 0x8000_0000 { 0 } else { bits }
}

/// Place of a number among all numbers: neighbours differ by 1.
fn rank(bits: u32) -> i32 {
    let bits = bits.cast_signed();
    if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Tolerance = Tolerance::OfPeak { worst: 1.0, rms: 1.0 };

    fn between(wanted: &[f32], got: &[f32]) -> Difference {
        let bits = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        Difference::between(&bits(wanted), &bits(got))
    }

    #[test]
    fn one_bit_is_one_unit_in_the_last_place() {
        let x = 1.5f32;
        let found = between(&[1.0, x, 2.0], &[1.0, f32::from_bits(x.to_bits() + 1), 2.0]);
        assert_eq!((found.values, found.differing, found.worst_ulp, found.first), (3, 1, 1, Some(1)));
        assert!(found.worst_of_peak > 0.0 && found.worst_of_peak < 1e-7);
        let tiny = f32::from_bits(1);
        assert_eq!(between(&[tiny], &[-tiny]).worst_ulp, 2);
    }

    #[test]
    fn zeros_are_equal_whatever_their_sign() {
        assert!(between(&[0.0, -0.0], &[-0.0, 0.0]).is_none());
    }

    #[test]
    fn tolerance_bounds_the_worst_and_the_mean() {
        let one_far = between(&[1.0; 100], &[&[0.9], &[1.0; 99][..]].concat());
        assert!(one_far.is_within(Tolerance::OfPeak { worst: 0.2, rms: 0.02 }));
        assert!(!one_far.is_within(Tolerance::OfPeak { worst: 0.05, rms: 0.02 }));
        assert!(!one_far.is_within(Tolerance::OfPeak { worst: 0.2, rms: 0.005 }));
    }

    #[test]
    fn levels_are_counted_in_either_half_of_a_word() {
        let bound = |got, bound| Difference::between(&[0x0005_0009], &[got]).is_within(Tolerance::Levels(bound));
        assert!(bound(0x0004_000a, 1) && !bound(0x0007_0009, 1) && bound(0x0007_0009, 2) && !bound(0x0005_0006, 2));
    }

    #[test]
    fn missing_and_undefined_values_are_never_within_tolerance() {
        assert!(!between(&[1.0, 1.0], &[1.0]).is_within(ANY));
        let undefined = between(&[1.0, 1.0], &[1.0, f32::NAN]);
        assert!(!undefined.is_none() && !undefined.is_within(ANY));
    }
}
