use std::f64::consts::TAU;

/// Values that a class must be expected to hold for its square to count as one of a normal number.
const CLASS: f64 = 20.0;
/// Where the series gives way to the continued fraction.
const SERIES: f64 = 3.0;
/// Terms of either: both have settled to twelve digits.
const TERMS: u32 = 80;

/// Probability that a standard normal number is above `z`.
#[must_use]
pub fn normal_above(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / TAU.sqrt();
    if z < -SERIES {
        return 1.0 - normal_above(-z);
    }
    if z < SERIES {
        // ½ − φ(z)·(z + z³/3 + z⁵/(3·5) + …)
        let (mut term, mut sum) = (z, z);
        for i in 1..TERMS {
            term *= z * z / f64::from(2 * i + 1);
            sum += term;
        }
        return 0.5 - density * sum;
    }
    // φ(z)/(z + 1/(z + 2/(z + …)))
    density / (1..TERMS).rev().fold(z, |below, i| z + f64::from(i) / below)
}

/// Probability of `count` in a Poisson distribution.
#[must_use]
pub fn poisson(count: u32, mean: f64) -> f64 {
    let k = f64::from(count);
    let ln_factorial = if count < 30 {
        (1..=count).map(|i| f64::from(i).ln()).sum()
    } else {
        k * k.ln() - k + 0.5 * (TAU * k).ln() + 1.0 / (12.0 * k) - 1.0 / (360.0 * k.powi(3))
            + 1.0 / (1260.0 * k.powi(5))
    };
    (k * mean.ln() - mean - ln_factorial).exp()
}

/// Pearson's test of what was found in classes against what was expected, as a standard normal number.
///
/// Neighbouring classes are joined until each holds enough; the statistic's distribution is made normal by its cube
/// root (Wilson and Hilferty, 1931). Far above 0 the two differ; far below, agreement is too good to be chance.
#[must_use]
pub fn chi_square(found: &[u64], expected: &[f64]) -> f64 {
    let mut classes: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    for (&found, &expected) in found.iter().zip(expected) {
        if classes.last().is_some_and(|(_, e)| *e >= CLASS) {
            classes.push((0.0, 0.0));
        }
        if let Some((f, e)) = classes.last_mut() {
            *f += found as f64;
            *e += expected;
        }
    }
    // What is left over at the end joins the class before.
    if classes.len() > 1
        && let Some((f, e)) = classes.pop_if(|(_, e)| *e < CLASS)
        && let Some(last) = classes.last_mut()
    {
        *last = (last.0 + f, last.1 + e);
    }
    let statistic: f64 = classes.iter().map(|(f, e)| (f - e).powi(2) / e).sum();
    let freedom = (classes.len() - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    ((statistic / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}
