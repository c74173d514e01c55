use std::f64::consts::TAU;

use crate::{
    data::{Grid, Volume},
    parallel::*,
};

/// Standard deviations at which the kernel ends, and a voxel more.
const REACH: f64 = 4.0;

/// Values convolved with a Gaussian of so many millimetres along each voxel axis; beyond its faces the volume goes on as it
/// is at them.
pub(super) fn smoothed(volume: &Volume, sigma_mm: f64) -> Volume {
    let (grid, [nx, ny, nz]) = (volume.grid(), volume.grid().size());
    let [along_x, along_y, along_z] = kernels(grid, sigma_mm);
    let slice = nx * ny;
    let mut within = vec![0.0; volume.values().len()];
    within.par_chunks_mut(slice).zip(volume.values().par_chunks(slice)).for_each(|(out, values)| {
        let mut rows = vec![0.0; slice];
        for (out, row) in rows.chunks_exact_mut(nx).zip(values.chunks_exact(nx)) {
            convolve_row(row, &along_x, out);
        }
        for (y, out) in out.chunks_exact_mut(nx).enumerate() {
            sum_rows(out, &along_y, y, ny, |y| &rows[y * nx..][..nx]);
        }
    });
    let mut volume = volume.clone();
    volume.values_mut().par_chunks_mut(slice).enumerate().for_each(|(z, out)| {
        for (y, out) in out.chunks_exact_mut(nx).enumerate() {
            sum_rows(out, &along_z, z, nz, |z| &within[z * slice + y * nx..][..nx]);
        }
    });
    volume
}

/// Weights of a voxel and of those 1, 2 … away on either side, along each axis.
fn kernels(grid: &Grid, sigma_mm: f64) -> [Vec<f32>; 3] {
    grid.spacing_mm().to_array().map(|spacing_mm| {
        let half = discrete_gaussian(sigma_mm / spacing_mm);
        let sum = 2.0 * half.iter().sum::<f64>() - half[0];
        half.iter().map(|weight| (weight / sum) as f32).collect()
    })
}

/// T(n) = exp(−σ²)·Iₙ(σ²), whose variance is σ² however small: samples of a Gaussian have less below a voxel.
///
/// T. Lindeberg, IEEE Trans. Pattern Anal. Mach. Intell. 12:234, 1990. By the integral of
/// exp(σ²·(cos θ − 1))·cos nθ over a turn, of which a sum over so many angles has the terms T(n ± N), N beyond twice the reach.
fn discrete_gaussian(sigma: f64) -> Vec<f64> {
    let reach = (REACH * sigma).ceil() as usize + 1;
    let angles = 4 * reach + 16;
    let angle = |j: usize| TAU * j as f64 / angles as f64;
    let spectrum: Vec<f64> = (0..angles).map(|j| (sigma * sigma * (angle(j).cos() - 1.0)).exp()).collect();
    let weight = |n: usize| {
        // The angle of n·j turns is that of its remainder.
        let sum: f64 = spectrum.iter().enumerate().map(|(j, s)| s * angle(n * j % angles).cos()).sum();
        sum / angles as f64
    };
    (0..=reach).map(weight).collect()
}

fn convolve_row(row: &[f32], kernel: &[f32], out: &mut [f32]) {
    let reach = kernel.len() - 1;
    let (first, last) = (row[0], row[row.len() - 1]);
    let ends = |value| std::iter::repeat_n(value, reach);
    let padded: Vec<f32> = ends(first).chain(row.iter().copied()).chain(ends(last)).collect();
    let at = |place: usize| &padded[place..][..row.len()];
    out.iter_mut().zip(row).for_each(|(out, value)| *out = kernel[0] * value);
    for (distance, &weight) in kernel.iter().enumerate().skip(1) {
        add(out, weight, at(reach - distance), at(reach + distance));
    }
}

/// Sums rows around `place` of `count`, each with its weight.
fn sum_rows<'a>(out: &mut [f32], kernel: &[f32], place: usize, count: usize, row: impl Fn(usize) -> &'a [f32]) {
    out.iter_mut().zip(row(place)).for_each(|(out, value)| *out = kernel[0] * value);
    for (distance, &weight) in kernel.iter().enumerate().skip(1) {
        add(out, weight, row(place.saturating_sub(distance)), row((place + distance).min(count - 1)));
    }
}

fn add(out: &mut [f32], weight: f32, before: &[f32], behind: &[f32]) {
    for ((out, before), behind) in out.iter_mut().zip(before).zip(behind) {
        *out += weight * (before + behind);
    }
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;
    use crate::data::Unit;

    #[test]
    fn a_point_spreads_by_the_variance_in_millimetres_and_a_constant_stays() {
        let grid = Grid::centred([41, 31, 37], [1.0, 2.0, 1.25]).unwrap();
        let mut values = vec![0.0; grid.voxel_count()];
        values[(18 * 31 + 15) * 41 + 20] = 1000.0;
        let point = Volume::new(grid, Unit::Arbitrary, values).unwrap();
        // Less than half a voxel along y, and more than two.
        for sigma_mm in [0.8, 2.5, 4.5] {
            let got = smoothed(&point, sigma_mm);
            let (mut sum, mut moment) = (0.0, DVec3::ZERO);
            for (at, &value) in got.values().iter().enumerate() {
                let index = [at % 41, at / 41 % 31, at / (41 * 31)].map(|i| i as f64);
                let place = grid.world_mm(DVec3::from_array(index));
                sum += f64::from(value);
                moment += f64::from(value) * place * place;
            }
            let variance = moment / sum / (sigma_mm * sigma_mm);
            assert!((sum - 1000.0).abs() < 0.01 && (variance - 1.0).abs().max_element() < 0.005, "{sum} {variance}");
        }
        let constant = Volume::new(grid, Unit::Arbitrary, vec![7.0; grid.voxel_count()]).unwrap();
        assert!(smoothed(&constant, 6.0).values().iter().all(|v| (v - 7.0).abs() < 1e-5));
    }

    #[test]
    fn weights_are_those_of_tables() {
        // exp(−1)·I₀(1), I₁(1), I₂(1) of Abramowitz and Stegun, table 9.8.
        for (got, want) in discrete_gaussian(1.0).into_iter().zip([0.465_759_6, 0.207_910_4, 0.049_938_8]) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
        // A wide one is a Gaussian, but for 1/(8σ²).
        let wide = discrete_gaussian(20.0);
        assert!(
            (wide[0] * 20.0 * TAU.sqrt() - 1.0).abs() < 4e-4 && (wide[20] / wide[0] - (-0.5_f64).exp()).abs() < 4e-4
        );
    }
}
