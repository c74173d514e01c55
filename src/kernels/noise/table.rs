//! Poisson distributions of the means 1 to 15 in whole numbers.

/// Entries for one mean.
const ENTRIES: usize = 64;
/// Means of the table: 0 to 15.
const MEANS: usize = super::poisson::FEW as usize;
/// e⁻¹.
const INVERSE_E: f64 = 0.367_879_441_171_442_33;

/// Poisson distributions, one row per mean.
pub(super) type Table = [u32; MEANS * ENTRIES];

/// Per mean the distribution in units of 2⁻³²: entry k is P(count ≤ k) − 1 unit.
///
/// A count is the number of entries that a random word exceeds. From products and sums alone, which are the same
/// everywhere.
pub(super) static TABLE: Table = table();

const fn table() -> Table {
    let mut table = [u32::MAX; MEANS * ENTRIES];
    let (mut mean, mut none) = (1, INVERSE_E);
    while mean < MEANS {
        let (mut k, mut probability, mut sum) = (0, none, none);
        while k < ENTRIES {
            // A sum that is 1 but for less than half a unit saturates: no word exceeds it.
            table[mean * ENTRIES + k] = (sum * (1u64 << 32) as f64 - 0.5) as u32;
            k += 1;
            probability *= mean as f64 / k as f64;
            sum += probability;
        }
        mean += 1;
        none *= INVERSE_E;
    }
    table
}

/// Number of entries for a mean that `word` exceeds: its count.
#[inline(always)]
pub(super) fn tabulated(mean: u32, word: u32) -> u32 {
    let first = mean * ENTRIES as u32;
    let (mut count, mut jump) = (0, ENTRIES as u32 / 2);
    while jump > 0 {
        // The table's length is a power of two: the mask changes nothing and spares the check.
        let entry = TABLE[(first + count + jump - 1) as usize & (TABLE.len() - 1)];
        count += if word > entry { jump } else { 0 };
        jump /= 2;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_distributions() {
        const { assert!((MEANS * ENTRIES).is_power_of_two()) };
        for mean in 1..MEANS {
            let row = &TABLE[mean * ENTRIES..][..ENTRIES];
            assert!(row.is_sorted() && row[ENTRIES - 3..].iter().all(|entry| *entry == u32::MAX), "{mean}");
            let mut probability = (-(mean as f64)).exp();
            let mut sum = 0.0;
            for (k, entry) in row.iter().enumerate() {
                sum += probability;
                probability *= mean as f64 / (k + 1) as f64;
                let want = sum * (1u64 << 32) as f64;
                assert!((f64::from(*entry) + 1.0 - want).abs() < 0.51, "{mean}, {k}: {entry}, {want}");
            }
        }
    }

    #[test]
    fn words_are_looked_up() {
        for word in [0, 1, 1 << 30, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
            assert_eq!(tabulated(0, word), 0);
            for mean in 1..MEANS {
                let row = &TABLE[mean * ENTRIES..][..ENTRIES];
                assert_eq!(tabulated(mean as u32, word) as usize, row.iter().filter(|e| word > **e).count());
            }
        }
    }
}
