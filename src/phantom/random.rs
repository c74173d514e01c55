//! A seeded stream of numbers that is the same in every release, which no general random crate promises.

use std::f64::consts::TAU;

use glam::DVec3;

/// `SplitMix64` of Steele, Lea and Flood (OOPSLA 2014): integer arithmetic only, so the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A stream of its own for each list of labels, far from those of neighbouring seeds and labels.
    pub(crate) fn of(seed: u64, labels: &[u64]) -> Self {
        let state = labels.iter().fold(Self::new(seed).bits(), |state, label| Self::new(state ^ label).bits());
        Self::new(state)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `low..high`.
    pub(crate) fn within(&mut self, low: f64, high: f64) -> f64 {
        /// 2⁻⁵³: the 53 upper bits of a draw fill a significand.
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        low + (high - low) * ((self.bits() >> 11) as f64 * UNIT)
    }

    /// Uniform on the unit sphere.
    pub(crate) fn direction(&mut self) -> DVec3 {
        let (z, turn) = (self.within(-1.0, 1.0), self.within(0.0, TAU));
        let radius = (1.0 - z * z).sqrt();
        DVec3::new(radius * turn.cos(), radius * turn.sin(), z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_make_streams_of_their_own() {
        let first = |seed, labels: &[u64]| Random::of(seed, labels).bits();
        let all = [first(1, &[]), first(1, &[0]), first(2, &[0]), first(1, &[1]), first(1, &[0, 1]), first(1, &[1, 0])];
        assert!((1..all.len()).all(|i| !all[..i].contains(&all[i])), "{all:?}");
        assert_eq!(first(1, &[0, 1]), first(1, &[0, 1]));
    }

    #[test]
    fn first_draws_are_those_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        let want = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([0; 3].map(|_| random.bits()), want);
    }
}
