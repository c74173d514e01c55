use std::f64::consts::TAU;

use rayon::prelude::*;

/// A row of parallel beams in one view.
#[derive(Clone, Debug)]
pub struct Row {
    /// Values with their weights.
    pub values: Vec<f64>,
    /// Column of the voxel (0, 0), and columns from voxel to voxel along x and y.
    pub form: [f64; 3],
}

/// Filtered back-projection of a slice of `nx` × `ny` voxels by the sums over polar samples themselves.
///
/// ```text
/// f(i, j) = Σ_k Σ_m P_k(m)·H(m)/n·sinc²(m/n)·e^(2πi·m·u_k(i, j)/n)      −n ≤ m < n
/// ```
/// with transforms by their sums over the `n` columns of a period; `taps` are those of the ramp for shifts of 1 − n/2 to n/2 − 1.
#[must_use]
pub fn polar_sum(rows: &[Row], taps: &[f64], n: usize, [nx, ny]: [usize; 2]) -> Vec<f64> {
    let turn = |m: i64, u: f64| (TAU * (m as f64 * u / n as f64).fract()).sin_cos();
    let reach = (n / 2 - 1) as f64;
    let frequencies: Vec<i64> = (-(n as i64)..n as i64).collect();
    let ramp = |m: i64| taps.iter().zip(0..).map(|(tap, l)| tap * turn(m, f64::from(l) - reach).1).sum::<f64>();
    let interpolation = |m: i64| {
        let x = TAU / 2.0 * m as f64 / n as f64;
        if m == 0 { 1.0 } else { (x.sin() / x).powi(2) }
    };
    let factors: Vec<f64> = frequencies.par_iter().map(|m| ramp(*m) * interpolation(*m) / n as f64).collect();
    let spectra: Vec<Vec<[f64; 2]>> = rows
        .par_iter()
        .map(|row| {
            let number = |(m, factor): (&i64, &f64)| {
                row.values.iter().zip(0..).fold([0.0; 2], |[re, im], (value, i)| {
                    let (sin, cos) = turn(*m, f64::from(i));
                    [re + factor * value * cos, im - factor * value * sin]
                })
            };
            frequencies.iter().zip(&factors).map(number).collect()
        })
        .collect();
    (0..nx * ny)
        .into_par_iter()
        .map(|voxel| {
            let (i, j) = ((voxel % nx) as f64, (voxel / nx) as f64);
            let of_view = |(row, spectrum): (&Row, &Vec<[f64; 2]>)| {
                let [first, x, y] = row.form;
                let u = first + i * x + j * y;
                let number = |(m, [re, im]): (&i64, &[f64; 2])| {
                    let (sin, cos) = turn(*m, u);
                    re * cos - im * sin
                };
                frequencies.iter().zip(spectrum).map(number).sum::<f64>()
            };
            rows.iter().zip(&spectra).map(of_view).sum()
        })
        .collect()
}
