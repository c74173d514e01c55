/// How far values are from the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Error {
    /// Root mean square of the differences over that of the truth.
    pub relative_rms: f64,
    /// Largest difference over the largest magnitude of the truth.
    pub worst_of_peak: f64,
}

impl Error {
    /// Compares values with the truth, of which there are as many.
    #[must_use]
    pub fn of(values: &[f32], truth: &[f64]) -> Self {
        let pairs = || values.iter().map(|v| f64::from(*v)).zip(truth);
        let square = pairs().map(|(v, t)| (v - t).powi(2)).sum::<f64>();
        let power = truth.iter().map(|t| t * t).sum::<f64>();
        let worst = pairs().map(|(v, t)| (v - t).abs()).fold(0.0, f64::max);
        let peak = truth.iter().map(|t| t.abs()).fold(0.0, f64::max);
        let missing = if values.len() == truth.len() { 0.0 } else { f64::INFINITY };
        Self { relative_rms: (square / power).sqrt() + missing, worst_of_peak: worst / peak + missing }
    }
}
