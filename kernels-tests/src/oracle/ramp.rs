use std::f64::consts::PI;

/// Rows filtered with the band-limited ramp by the sum that defines the convolution.
#[must_use]
pub fn ramp(rows: &[f32], columns: usize, pitch_mm: f64) -> Vec<f64> {
    let tap = |n: usize| match n {
        0 => 0.25,
        n if n.is_multiple_of(2) => 0.0,
        n => -1.0 / (PI * n as f64).powi(2),
    };
    let taps: Vec<f64> = (0..columns).map(tap).collect();
    let filtered = rows.chunks_exact(columns).flat_map(|row| {
        let value = |i: usize| row.iter().enumerate().map(|(m, p)| f64::from(*p) * taps[i.abs_diff(m)]).sum::<f64>();
        (0..columns).map(value).map(|v| v / pitch_mm).collect::<Vec<_>>()
    });
    filtered.collect()
}
