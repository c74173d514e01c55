use super::philox::philox;

/// Which noise: a seed, one of its streams, and where the buffer lies in the whole image.
///
/// Pixels are told apart by column, row and view in the whole image, each counted modulo 2³². A tile whose origin says
/// where it lies gets the bits that the whole image has there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Seed: any number.
    pub seed: u64,
    /// Number of the stream: noise of one seed that is independent of its other streams.
    pub stream: u32,
    /// Column, row and view (slice) in the whole image of the buffer's first pixel.
    pub origin: [u32; 3],
}

/// Last word of the counter from which a stream's key is drawn: no pixel has so many draws.
const KEY_DRAW: u32 = u32::MAX;

impl Stream {
    /// Stream of a seed, for buffers that are whole images.
    #[must_use]
    pub fn new(seed: u64, stream: u32) -> Self {
        Self { seed, stream, origin: [0; 3] }
    }

    /// The same noise for a buffer that begins elsewhere in the whole image: at a column, row and view.
    #[must_use]
    pub fn at(self, origin: [u32; 3]) -> Self {
        Self { origin, ..self }
    }

    /// Key of the generator: the first words that the seed gives for the stream's number.
    ///
    /// Philox has no room for a stream beside three coordinates and a draw. Keys of different streams could only be
    /// the same by chance, of 2⁻⁶⁴ for any two.
    #[must_use]
    pub fn key(&self) -> [u32; 2] {
        let [a, b, ..] = philox([self.stream, 0, 0, KEY_DRAW], [self.seed as u32, (self.seed >> 32) as u32]);
        [a, b]
    }

    /// Random words of a draw of a pixel of the buffer.
    #[must_use]
    pub fn words(&self, [column, row, view]: [u32; 3], draw: u32) -> [u32; 4] {
        let [x, y, z] = self.origin;
        philox([x.wrapping_add(column), y.wrapping_add(row), z.wrapping_add(view), draw], self.key())
    }
}

/// Counter of the first pixel of a row, counted over all slices of `rows` rows; the draw is 0.
pub(in crate::kernels) fn counter([x, y, z]: [u32; 3], rows: u32, row: usize) -> [u32; 4] {
    let rows = rows as usize;
    [x, y.wrapping_add((row % rows) as u32), z.wrapping_add((row / rows) as u32), 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_streams_places_and_draws_all_change_the_words() {
        let stream = Stream::new(7, 3);
        let words = stream.words([1, 2, 3], 0);
        let others = [
            Stream::new(8, 3).words([1, 2, 3], 0),
            Stream::new(7 + (1 << 32), 3).words([1, 2, 3], 0),
            Stream::new(7, 4).words([1, 2, 3], 0),
            stream.words([2, 2, 3], 0),
            stream.words([1, 3, 3], 0),
            stream.words([1, 2, 4], 0),
            stream.words([1, 2, 3], 1),
        ];
        assert!(others.iter().all(|other| *other != words));
    }

    #[test]
    fn an_origin_counts_on_and_wraps() {
        let whole = Stream::new(7, 3);
        assert_eq!(whole.at([5, 6, 7]).words([1, 2, 3], 4), whole.words([6, 8, 10], 4));
        assert_eq!(whole.at([u32::MAX, 0, 0]).words([2, 0, 0], 0), whole.words([1, 0, 0], 0));
    }

    #[test]
    fn rows_are_counted_by_slices() {
        assert_eq!(counter([10, 20, 30], 5, 13), [10, 23, 32, 0]);
    }
}
