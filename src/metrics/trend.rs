//! Least-squares surfaces: the slow course of an image, which is neither noise nor detail.

/// Powers of x and y of the terms, by degree.
const TERMS: [[i32; 2]; 6] = [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]];
/// A pivot below this share of the largest diagonal term means that the points do not tell a term.
const SINGULAR: f64 = 1e-12;

/// Number of terms of a polynomial in two variables of degree 0, 1 or 2.
fn term_count(degree: usize) -> usize {
    [1, 3, 6][degree.min(2)]
}

/// Polynomial p(x, y) = Σ cₘ·x^iₘ·y^jₘ of degree 2 at most.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trend {
    coefficients: Vec<f64>,
}

impl Trend {
    /// The polynomial with the least sum of squared differences; terms that the points do not tell are 0. Coordinates
    /// should be about −1 to 1.
    pub(super) fn fit(degree: usize, points: impl Iterator<Item = [f64; 3]>) -> Self {
        let count = term_count(degree);
        // Normal equations, the right-hand side in the last column.
        let mut equations = vec![[0.0; TERMS.len() + 1]; count];
        for [x, y, value] in points {
            let terms = terms(x, y);
            for (row, equation) in equations.iter_mut().enumerate() {
                for (sum, term) in equation.iter_mut().zip(&terms) {
                    *sum += terms[row] * term;
                }
                equation[TERMS.len()] += terms[row] * value;
            }
        }
        Self { coefficients: solved(equations) }
    }

    /// Value at a place.
    pub(super) fn at(&self, x: f64, y: f64) -> f64 {
        self.coefficients.iter().zip(terms(x, y)).map(|(c, term)| c * term).sum()
    }
}

fn terms(x: f64, y: f64) -> [f64; TERMS.len()] {
    TERMS.map(|[i, j]| x.powi(i) * y.powi(j))
}

/// Gauss's and Jordan's elimination without pivoting, which normal equations do not need.
fn solved(mut equations: Vec<[f64; TERMS.len() + 1]>) -> Vec<f64> {
    let count = equations.len();
    let largest = (0..count).map(|k| equations[k][k]).fold(0.0, f64::max);
    let mut is_told = vec![false; count];
    for pivot in 0..count {
        let lead = equations[pivot];
        is_told[pivot] = lead[pivot] > SINGULAR * largest;
        if !is_told[pivot] {
            continue;
        }
        for (row, equation) in equations.iter_mut().enumerate().filter(|(row, _)| *row != pivot) {
            debug_assert_ne!(row, pivot);
            let factor = equation[pivot] / lead[pivot];
            for (value, lead) in equation.iter_mut().zip(&lead) {
                *value -= factor * lead;
            }
        }
    }
    (0..count).map(|k| if is_told[k] { equations[k][TERMS.len()] / equations[k][k] } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_is_found_again_and_lines_do_not_tell_a_plane() {
        let places = || (0..35).map(|i| [f64::from(i % 7) / 3.0 - 1.0, f64::from(i / 7) / 2.0 - 1.0]);
        let surface = |x: f64, y: f64| 3.0 - x + 2.0 * y + 0.5 * x * x - 4.0 * x * y + y * y;
        let trend = Trend::fit(2, places().map(|[x, y]| [x, y, surface(x, y)]));
        for [x, y] in places() {
            assert!((trend.at(x, y) - surface(x, y)).abs() < 1e-12);
        }
        // The control: a plane does not follow it.
        let plane = Trend::fit(1, places().map(|[x, y]| [x, y, surface(x, y)]));
        assert!(places().any(|[x, y]| (plane.at(x, y) - surface(x, y)).abs() > 0.5));
        let line = Trend::fit(1, (0..5).map(|i| [f64::from(i), 0.0, 2.0 + f64::from(i)]));
        assert!((line.at(3.0, 7.0) - 5.0).abs() < 1e-12, "{line:?}");
    }
}
