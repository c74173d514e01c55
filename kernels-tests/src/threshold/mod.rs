//! Cases of thresholds: histograms with tails on either side, with one value, with none, with large counts.

mod limit;
mod rank;
mod triangle;

use crate::{Case, Seeded};

pub(crate) fn cases() -> Vec<Case> {
    [limit::cases(), rank::cases(), triangle::cases()].into_iter().flatten().collect()
}

/// Histograms with their names.
fn histograms() -> Vec<(String, Vec<u32>)> {
    let mut all = Vec::new();
    for bins in [2_usize, 3, 256, 1000, 4096, 65_536] {
        let mut seeded = Seeded::new(bins as u64);
        let random: Vec<u32> = (0..bins).map(|_| seeded.between(0.0, 3.0) as u32).collect();
        // One peak with an exponential tail to the left; the sum is below 4·10⁹ · 0.21 < 2³².
        let mut tail = |peak: f64| -> Vec<u32> {
            let share = |i: usize| (-(i as f64 - peak).abs() / (0.1 * bins as f64)).exp();
            (0..bins).map(|i| (4e9 / bins as f64 * share(i) * seeded.between(0.5, 1.0)) as u32).collect()
        };
        let right = tail(bins as f64 * 0.8);
        let left: Vec<u32> = right.iter().rev().copied().collect();
        let lone = |place: usize, count: u32| -> Vec<u32> {
            let mut bins = vec![0; bins];
            bins[place] = count;
            bins
        };
        all.push((format!("{bins} random"), random));
        all.push((format!("{bins} falling"), right));
        all.push((format!("{bins} rising"), left));
        all.push((format!("{bins} level"), vec![7; bins]));
        all.push((format!("{bins} empty"), vec![0; bins]));
        all.push((format!("{bins} lone first"), lone(0, 5)));
        all.push((format!("{bins} lone last"), lone(bins - 1, u32::MAX)));
        all.push((format!("{bins} lone middle"), lone(bins / 2, u32::MAX / 3)));
    }
    all
}
