//! Cases of reconstruction in frequency.

mod columns;
mod gather;
mod rows;
mod spectra;

use crate::{Case, Seeded};

/// Complex numbers of a seed.
fn numbers(count: usize) -> Vec<[f32; 2]> {
    Seeded::new(count as u64).values(2 * count, -1.0, 1.0).as_chunks().0.to_vec()
}

pub(crate) fn cases() -> Vec<Case> {
    [spectra::cases(), gather::cases(), rows::cases(), columns::cases()].into_iter().flatten().collect()
}
