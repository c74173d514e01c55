//! Polar samples of a slice's spectrum: transforms of the detector's rows.
//!
//! ```text
//! S_k(m) = F_k(m) · Σ_i (p_k(2j, i) + √−1·p_k(2j + 1, i)) · e^(−2πi·m·i/n)      −n ≤ m < n
//! F_k(m) = H(m)/n · sinc²(m/n) · e^(2πi·m·c_k/n)
//! ```
//! of view k and the pair j of slices: two real rows are one complex signal. n is the length of the transform, at least twice the
//! row's; H is the transform of the ramp's samples in space ([`RampFilter::spectrum`]), so that zero frequency is right; sinc² is
//! what linear interpolation between pixels does to frequencies, of which those beyond the detector's band, |m| ≥ n/2, repeat those
//! within; c_k is where the voxel in the middle of the slice meets the row. Summed over all m with e^(2πi·m·(u − c_k)/n), the samples
//! are the filtered row at u.
//!
//! Sample s of a view has the frequency m = s − n.
//!
//! Shapes: `[pair][view][2n]` ← `[view][slice][column]`. Tier P.

use std::f64::consts::TAU;

use glam::{DMat3, DVec3};

use super::{
    signals::Signals,
    transform::{MAX_TRANSFORM, centred, twiddles},
};
use crate::{
    data::Grid,
    geometry::{Geometry, Source, View},
    kernels::{
        fdk::ramp::{RampFilter, sinc},
        prelude::*,
    },
    parallel::*,
    vectorised::{Aligned, copy_lanes, transpose},
};

kernel! {
    /// Spectra of rows: columns, slices, and the first of the views that are taken; their number, and the length n of the transform.
    struct Spectra { columns, slices, first_view, view_count, length: u32 }
    shader fourier/spectra + fourier/eights + fourier/centred, Pinned, [MAX_TRANSFORM as u32 / 2, 1];
    reads twiddles: whole of [f32; 2], factors: whole of [f32; 2], lines[slices, columns]: whole of f32;
    writes samples[view_count, (2 * length)]: [f32; 2];
    // One workgroup per row.
    domain |output| Domain::rows(
        Extent { columns: SHADER.workgroup[0], ..output },
        4.0 * f64::from(length) * f64::from(length.ilog2() + 4),
    );
}

/// Where voxels of a slice meet the rows of a view, in columns: u = `middle` + `x`·(i − ⌊nx/2⌋) + `y`·(j − ⌊ny/2⌋).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowForm {
    /// Column of the voxel in the middle.
    pub middle: f64,
    /// Columns from a voxel to the next along x.
    pub x: f64,
    /// Columns from a voxel to the next along y.
    pub y: f64,
}

impl RowForm {
    /// Forms of all views of parallel beams perpendicular to z of `grid`, on rows whose column `before` is the detector's first.
    #[must_use]
    pub fn of(geometry: &Geometry, before: usize, grid: &Grid) -> Vec<Self> {
        let centre = before as f64 + (geometry.detector()[0] as f64 - 1.0) / 2.0;
        let [nx, ny, nz] = grid.size();
        let middle = grid.world_mm(DVec3::new((nx / 2) as f64, (ny / 2) as f64, (nz / 2) as f64));
        let to_world = grid.orientation() * DMat3::from_diagonal(grid.spacing_mm());
        let form = |view: &View| {
            let (Source::Direction(ray) | Source::Point(ray)) = view.source;
            // (x − centre) = a·u_step + b·v_step + c·ray
            let column = DMat3::from_cols(view.u_step, view.v_step, ray).inverse().transpose().x_axis;
            let at = centre + column.dot(middle - view.detector_centre);
            Self { middle: at, x: column.dot(to_world.x_axis), y: column.dot(to_world.y_axis) }
        };
        geometry.views().iter().map(form).collect()
    }

    /// F(m) of one view, of which `sizes` are the magnitudes.
    fn factors(&self, sizes: &[f64]) -> Vec<[f32; 2]> {
        let n = sizes.len() / 2;
        let turn = |m: i64| {
            let (sin, cos) = (TAU * (m as f64 * self.middle / n as f64).rem_euclid(1.0)).sin_cos();
            [cos, sin]
        };
        // e^(iθ(a + b)) from two tables, a in steps.
        const STEP: i64 = 32;
        let steps = n as i64 / STEP + 1;
        let fine: Vec<[f64; 2]> = (0..STEP).map(turn).collect();
        let coarse: Vec<[f64; 2]> = (-steps..=steps).map(|step| turn(step * STEP)).collect();
        let factor = |(m, size): (i64, &f64)| {
            let [a, b] = [coarse[(m.div_euclid(STEP) + steps) as usize], fine[m.rem_euclid(STEP) as usize]];
            [(size * (a[0] * b[0] - a[1] * b[1])) as f32, (size * (a[0] * b[1] + a[1] * b[0])) as f32]
        };
        (-(n as i64)..).zip(sizes).map(factor).collect()
    }
}

/// |F(m)| of `2n` samples.
fn sizes(filter: &RampFilter, n: usize) -> Vec<f64> {
    let (ramp, period) = (filter.spectrum(n), n as i64);
    let size = |m: i64| ramp[m.rem_euclid(period) as usize] / n as f64 * sinc(m as f64 / n as f64).powi(2);
    // sinc(−1) is 0; what roundings leave of it is too small for single precision, which devices treat differently.
    std::iter::once(0.0).chain((1 - period..period).map(size)).collect()
}

/// Numbers of the two samples that the frequency at a place of a transform of `n`, in bit-reversed order, gives: in the detector's band,
/// and beyond it.
fn numbers(place: usize, n: usize) -> [usize; 2] {
    let number = centred(place, n) + n / 2;
    [number, (number + n) % (2 * n)]
}

/// Twiddles and factors of some views: computed and uploaded once, for any number of stacks.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    twiddles: Buffer<[f32; 2]>,
    factors: Buffer<[f32; 2]>,
    first_view: u32,
    view_count: u32,
    length: u32,
}

impl Tables {
    /// Records the upload of the tables for `forms.len()` views from `first_view` on, with transforms of the length `n`, a power of two.
    pub fn record(graph: &mut Graph<'_>, filter: &RampFilter, forms: &[RowForm], first_view: usize, n: usize) -> Self {
        let sizes = sizes(filter, n);
        let factors: Vec<Vec<[f32; 2]>> = forms.par_iter().map(|form| form.factors(&sizes)).collect();
        let factors = graph.upload_table("spectra.factors", &factors.concat());
        let twiddles = graph.upload_table("spectra.twiddles", &twiddles(n));
        let [first_view, view_count, length] = [first_view, forms.len(), n].map(|n| n as u32);
        Self { twiddles, factors, first_view, view_count, length }
    }
}

/// Records the samples of the tables' views, of `lines` (views × slices × columns); the graph is refused when their transforms are not twice as
/// long as the lines.
///
/// Returns pairs of slices × views × 2n.
pub fn record(graph: &mut Graph<'_>, tables: &Tables, lines: Buffer<f32>) -> Buffer<[f32; 2]> {
    let Extent { rows: slices, columns, .. } = graph.extent(lines);
    let Tables { twiddles, factors, first_view, view_count, length } = *tables;
    if 2 * columns > length {
        graph.refuse("spectra", format!("a transform must be twice as long as rows of {columns}, got {length}"));
    }
    let extent = Extent { slices: slices.div_ceil(2), rows: view_count, columns: 2 * length };
    let samples = graph.buffer("spectra.samples", extent);
    let kernel = Spectra { columns, slices, first_view, view_count, length };
    kernel.compute(graph, "spectra", twiddles, factors, lines, samples)
}

vectorised! {
    fn twin(
        kernel: &Spectra,
        block: &Block,
        twiddles: &[[f32; 2]],
        factors: &[[f32; 2]],
        lines: &[f32],
        samples: &mut [[f32; 2]],
    ) {
        let Spectra { columns, slices, first_view, view_count, length } = *kernel;
        let [columns, slices, first_view, views, n] =
            [columns, slices, first_view, view_count, length].map(|n| n as usize);
        let mut signal = Signals::new(n);
        let numbers: Vec<[usize; 2]> = (0..n).map(|place| numbers(place, n)).collect();
        // Sixteen rows side by side.
        for (start, out) in block.rows.clone().step_by(LANES).zip(samples.chunks_mut(LANES * 2 * n)) {
            let count = out.len() / (2 * n);
            for (odd, part) in [&mut signal.re, &mut signal.im].into_iter().enumerate() {
                for column in (0..columns).step_by(LANES) {
                    let wide = LANES.min(columns - column);
                    let mut square = [[0.0; LANES]; LANES];
                    for (row, values) in (start..start + count).zip(&mut square) {
                        let slice = row / views * 2 + odd;
                        if slice < slices {
                            let line = ((first_view + row % views) * slices + slice) * columns;
                            copy_lanes(&lines[line + column..][..wide], values);
                        }
                    }
                    // SAFETY: `V` is what the caller is built for.
                    unsafe { transpose::<V>(&mut square) };
                    part[column..].iter_mut().zip(&square).take(wide).for_each(|(to, values)| to.0 = *values);
                }
                part[columns..n / 2].fill(Aligned([0.0; LANES]));
            }
            // SAFETY: as above.
            unsafe { signal.forward::<V>(twiddles) };
            for at in (0..n).step_by(LANES / 2) {
                let mut square = signal.interleaved(at);
                // SAFETY: as above.
                unsafe { transpose::<V>(&mut square) };
                for ((row, values), out) in (start..).zip(&square).zip(out.chunks_exact_mut(2 * n)) {
                    let factors = &factors[row % views * 2 * n..][..2 * n];
                    for (numbers, [re, im]) in numbers[at..].iter().zip(values.as_chunks::<2>().0) {
                        for number in *numbers {
                            let [c, s] = factors[number];
                            out[number] = [re * c - im * s, re * s + im * c];
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::transform::reversed, *};

    #[test]
    fn every_sample_comes_from_the_frequency_of_its_band() {
        let n = 32;
        let mut found = vec![0; 2 * n];
        for place in 0..n {
            let frequency = reversed(place, 5) as i64;
            for number in numbers(place, n) {
                found[number] += 1;
                assert_eq!((number as i64 - n as i64 - frequency).rem_euclid(n as i64), 0, "{place}: {number}");
            }
            assert!((n / 2..n + n / 2).contains(&numbers(place, n)[0]), "the detector's band comes first");
        }
        assert_eq!(found, vec![1; 2 * n]);
    }
}
