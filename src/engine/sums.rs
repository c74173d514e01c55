//! Sums to which any invocation may add: whole numbers of 64 bits, so that every order gives the same bits.
//!
//! A sum is two words, the lower one first, each an atomic. Who adds to the lower word and sees it wrap adds 1 to the upper
//! one. Additions to one word have an order, whatever it is, and the lower word wraps exactly ⌊(start + Σ)/2³²⌋ times in all of
//! them; so the pair holds start + Σ modulo 2⁶⁴ when all are done. In between the two words may not belong together: a pass
//! that adds to a sum cannot read it.

use std::sync::atomic::{AtomicU32, Ordering};

/// Sums as a twin sees them.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a>(&'a [AtomicU32]);

impl<'a> Sums<'a> {
    /// The sums that `words` hold, two words each.
    #[must_use]
    pub fn new(words: &'a mut [u32]) -> Self {
        // SAFETY: both types have the same size and, on every platform with atomics of 32 bits, the same alignment; the
        // exclusive borrow lasts as long as the atomics.
        Self(unsafe { &*(std::ptr::from_mut(words) as *const [AtomicU32]) })
    }

    /// Number of sums.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() / 2
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds `amount` to sum `index`, modulo 2⁶⁴.
    ///
    /// # Panics
    /// When there is no such sum.
    pub fn add(&self, index: usize, amount: u32) {
        let before = self.0[2 * index].fetch_add(amount, Ordering::Relaxed);
        if before.checked_add(amount).is_none() {
            self.0[2 * index + 1].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Fixed point for sums of numbers that are not whole: an amount is ⌊value·2ˢ + ½⌋.
///
/// With value ≤ L ≤ 2ᵉ and at most N additions, s = min(31 − e, 63 − ⌈log₂ N⌉ − e). So an amount is at most 2³¹ and the sum of
/// all at most 2⁶³: neither overflows. Each amount errs by at most half a unit, the sum by at most N·2⁻ˢ⁻¹.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedPoint {
    /// s: binary places behind the point; negative where even whole numbers are too fine.
    places: i32,
}

impl FixedPoint {
    /// The finest for at most `count` values from 0 to `largest`, a positive normal number.
    #[must_use]
    pub fn new(count: u64, largest: f32) -> Self {
        let whole = f64::from(largest).log2().ceil() as i32;
        let additions = 64 - count.saturating_sub(1).leading_zeros() as i32;
        Self { places: (31 - whole).min(63 - additions - whole) }
    }

    /// 2ˢ, by which shader and twin multiply; exact in single precision.
    #[must_use]
    pub fn scale(self) -> f32 {
        2f64.powi(self.places) as f32
    }

    /// The amount of a value, rounded to the nearest, halves up; 0 for what is negative or no number.
    #[must_use]
    pub fn amount(self, value: f32) -> u32 {
        (value * self.scale() + 0.5) as u32
    }

    /// What a sum of amounts stands for.
    #[must_use]
    pub fn value(self, sum: u64) -> f64 {
        sum as f64 / 2f64.powi(self.places)
    }
}

#[cfg(test)]
mod tests {
    use crate::parallel::*;
    use proptest::prelude::*;

    use super::*;

    fn total(words: &[u32], index: usize) -> u64 {
        u64::from(words[2 * index]) | u64::from(words[2 * index + 1]) << 32
    }

    proptest! {
        #[test]
        fn sums_are_those_of_64_bits_in_any_order(
            start in any::<u64>(),
            amounts in prop::collection::vec((0_usize..3, any::<u32>()), 0..200),
        ) {
            let mut words = [start as u32, (start >> 32) as u32].repeat(3);
            let sums = Sums::new(&mut words);
            amounts.par_iter().for_each(|&(index, amount)| sums.add(index, amount));
            for index in 0..3 {
                let mine = amounts.iter().filter(|(i, _)| *i == index);
                let wanted = mine.fold(start, |sum, (_, amount)| sum.wrapping_add((*amount).into()));
                prop_assert_eq!(total(&words, index), wanted);
            }
        }

        #[test]
        fn fixed_point_neither_overflows_nor_errs_by_more_than_half_a_unit_each(
            count in 1_u64..1 << 40,
            largest in 1e-20_f32..1e20,
            share in 0_f32..=1.0,
        ) {
            let point = FixedPoint::new(count, largest);
            let most = point.amount(largest);
            prop_assert!(most <= 1 << 31);
            prop_assert!(u128::from(most) * u128::from(count) <= 1 << 63);
            let value = largest * share;
            let unit = point.value(1);
            prop_assert!((point.value(point.amount(value).into()) - f64::from(value)).abs() <= unit / 2.0 * 1.000_001
                + f64::from(value) * f64::from(f32::EPSILON));
        }
    }

    #[test]
    fn many_small_additions_carry_once_per_wrap() {
        let mut words = vec![u32::MAX, 0];
        let sums = Sums::new(&mut words);
        (0..100_000).into_par_iter().for_each(|_| sums.add(0, 1 << 20));
        assert_eq!(total(&words, 0), u64::from(u32::MAX) + (100_000 << 20));
    }
}
