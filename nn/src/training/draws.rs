use kerma::kernels::noise::philox;

/// Numbers drawn for one step, from the generator that also draws the noise.
#[derive(Clone, Debug)]
pub struct Draws {
    key: [u32; 2],
    step: u64,
    next: u32,
}

impl Draws {
    /// The stream of a step. Its counters are none of the noise's; those of step 0 are where the noise derives its keys, which
    /// pass through the generator once more.
    #[must_use]
    pub fn new(seed: u64, step: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], step, next: 0 }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let counter = [self.next, self.step as u32, (self.step >> 32) as u32, u32::MAX];
        self.next += 1;
        let words = philox::philox(counter, self.key);
        u64::from(words[0]) | u64::from(words[1]) << 32
    }

    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An index below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_their_own_streams_and_come_again() {
        let draw = |step| {
            let mut draws = Draws::new(7, step);
            (0..100).map(|_| draws.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        assert!((0..10).all(|digit| draw(5).contains(&digit)));
    }
}
