use std::ops::Range;

/// A part of the beam without an absorption edge: its bins, logarithms of their energies, and their shares in the samples' signals.
pub(super) struct Part {
    pub(super) bins: Range<usize>,
    pub(super) ln_energies: Vec<f64>,
    pub(super) shares: Vec<f64>,
}

/// Where a node begins, between which ends it stays, and its share in the samples' signals.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) ln_energy: f64,
    pub(super) range: [f64; 2],
    pub(super) share: f64,
}

impl Place {
    /// Energy in the range, whose ends are those of the spectrum or on one side of an edge.
    pub(super) fn energy_kev(&self, ln_energy: f64) -> f64 {
        let [low, high] = self.range;
        ln_energy.exp().clamp(low.exp(), high.exp())
    }
}

impl Part {
    /// Halvings in the search for a node.
    const HALVINGS: u32 = 50;

    /// Nodes and weights of the Gauss quadrature in ln E with the bins' shares as its measure.
    pub(super) fn places(&self, count: usize) -> Vec<Place> {
        let range = [self.ln_energies[0], self.ln_energies[self.ln_energies.len() - 1]];
        let recurrence = self.recurrence(count);
        let node = |number: usize| {
            let [mut low, mut high] = range;
            for _ in 0..Self::HALVINGS {
                let middle = 0.5 * (low + high);
                // Sturm: as many roots lie below as pivots of the Jacobi matrix less x are negative.
                let (mut below, mut pivot) = (0, 1.0);
                for [centre, square] in &recurrence {
                    pivot = centre - middle - square / pivot;
                    below += usize::from(pivot < 0.0);
                }
                if below > number { high = middle } else { low = middle }
            }
            let ln_energy = 0.5 * (low + high);
            // Christoffel: the share is the inverse of the sum of squares of the orthonormal polynomials.
            let (mut last, mut now, mut sum) = (0.0, 1.0, 1.0);
            for (i, [centre, square]) in recurrence.iter().enumerate().take(count - 1) {
                let next = ((ln_energy - centre) * now - square.sqrt() * last) / recurrence[i + 1][1].sqrt();
                (last, now) = (now, next);
                sum += now * now;
            }
            Place { ln_energy, range, share: self.shares.iter().sum::<f64>() / sum }
        };
        (0..count).map(node).collect()
    }

    /// Coefficients of x·p_i = √b_{i+1}·p_{i+1} + a_i·p_i + √b_i·p_{i−1}, the recurrence of the orthonormal polynomials, as [a_i, b_i]
    /// with b_0 = 0 (Lanczos, orthogonalised anew at each step).
    fn recurrence(&self, count: usize) -> Vec<[f64; 2]> {
        let total: f64 = self.shares.iter().sum();
        let inner = |a: &[f64], b: &[f64]| -> f64 {
            a.iter().zip(b).zip(&self.shares).map(|((a, b), share)| a * b * share).sum::<f64>() / total
        };
        let mut polynomials = vec![vec![1.0; self.shares.len()]];
        let (mut recurrence, mut square) = (Vec::new(), 0.0);
        for i in 0..count {
            let mut next: Vec<f64> = polynomials[i].iter().zip(&self.ln_energies).map(|(p, x)| p * x).collect();
            recurrence.push([inner(&next, &polynomials[i]), square]);
            for known in &polynomials {
                let along = inner(&next, known);
                next.iter_mut().zip(known).for_each(|(next, known)| *next -= along * known);
            }
            square = inner(&next, &next).max(f64::MIN_POSITIVE);
            next.iter_mut().for_each(|next| *next /= square.sqrt());
            polynomials.push(next);
        }
        recurrence
    }
}
