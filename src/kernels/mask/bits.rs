//! Words of a row of a mask.

/// Pixels of one word.
pub(super) const WORD_PIXELS: usize = 32;

/// Bits of the last word of a row that lie in the image.
pub(super) fn last_valid(columns: u32) -> u32 {
    u32::MAX >> (columns.wrapping_neg() % u32::BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_full_only_at_multiples_of_its_length() {
        assert_eq!([1, 2, 31, 32, 33, 64].map(last_valid), [1, 3, u32::MAX >> 1, u32::MAX, 1, u32::MAX]);
    }
}
