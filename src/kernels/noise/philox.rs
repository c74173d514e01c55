//! Philox4x32-10: four random words from a counter of four words and a key of two. Tier E.
//!
//! Ten rounds of two products of 32 by 32 bits, whose high words are mixed with the rest of the counter and with a key
//! that is raised by a constant every round; a bijection of the counter for every key, which passes all of BigCrush
//! (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The shader puts high words
//! together from products of 16 bits.

use crate::vectorised::LANES;

/// Rounds.
const ROUNDS: usize = 10;
/// Factors of words 0 and 2 of the counter.
const FACTORS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
/// What is added to the key every round: the golden ratio's and √3's fractions.
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// One random word per lane.
pub(in crate::kernels) type Words = [u32; LANES];

/// Random words of a counter under a key.
#[must_use]
#[inline(always)]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut x, mut y, mut z, mut w], [mut k, mut l]) = (counter, key);
    for _ in 0..ROUNDS {
        let first = u64::from(FACTORS[0]) * u64::from(x);
        let second = u64::from(FACTORS[1]) * u64::from(z);
        (x, y, z, w) = ((second >> 32) as u32 ^ y ^ k, second as u32, (first >> 32) as u32 ^ w ^ l, first as u32);
        (k, l) = (k.wrapping_add(WEYL[0]), l.wrapping_add(WEYL[1]));
    }
    [x, y, z, w]
}

/// Random words of neighbouring columns: of the counter and of those whose first word is 1 to 15 more.
#[inline(always)]
pub(in crate::kernels) fn philox_lanes([x, y, z, w]: [u32; 4], [mut k, mut l]: [u32; 2]) -> [Words; 4] {
    let mut words: [Words; 4] = [std::array::from_fn(|i| x.wrapping_add(i as u32)), [y; LANES], [z; LANES], [w; LANES]];
    for _ in 0..ROUNDS {
        let [x, y, z, w] = words;
        let mut next = [[0; LANES]; 4];
        for i in 0..LANES {
            let first = u64::from(FACTORS[0]) * u64::from(x[i]);
            let second = u64::from(FACTORS[1]) * u64::from(z[i]);
            next[0][i] = (second >> 32) as u32 ^ y[i] ^ k;
            next[1][i] = second as u32;
            next[2][i] = (first >> 32) as u32 ^ w[i] ^ l;
            next[3][i] = first as u32;
        }
        words = next;
        (k, l) = (k.wrapping_add(WEYL[0]), l.wrapping_add(WEYL[1]));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_are_given() {
        // From the known-answer file of the authors' library Random123.
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, want) in cases {
            assert_eq!(philox(counter, key), want);
        }
    }

    #[test]
    fn lanes_are_neighbouring_columns() {
        let (counter, key) = ([u32::MAX - 3, 5, 6, 7], [8, 9]);
        let lanes = philox_lanes(counter, key);
        for i in 0..LANES {
            let [x, y, z, w] = counter;
            assert_eq!(philox([x.wrapping_add(i as u32), y, z, w], key), lanes.map(|words| words[i]));
        }
    }
}
