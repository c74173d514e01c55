//! Columns of a grid whose rows are transformed, transformed back to the rows of two slices.
//!
//! ```text
//! f(x, y) = s_x(x)·s_y(y) · Σ_a h(a, y) · e^(2πi·a·(x + x₀)/Gx)
//! ```
//! with zero frequency in the middle of the rows a; s undoes what the window of [`super::gather`] does to the image. The real part is one slice, the
//! imaginary part the next.
//!
//! Shapes: `[pair][2·y·x]`, two slices each, ← `[pair][Gx][y]`. Tier P.

use super::{
    gather,
    signals::Signals,
    transform::{MAX_TRANSFORM, centred, twiddles},
};
use crate::{
    kernels::prelude::*,
    parallel::*,
    vectorised::{copy_lanes, transpose},
};

kernel! {
    /// Transforms of columns: their length, the number of the first voxel, and voxels along x and y.
    struct Columns { length, first, nx, ny: u32 }
    shader fourier/columns + fourier/eights + fourier/centred, Pinned, [MAX_TRANSFORM as u32 / 2, 1];
    reads twiddles: whole of [f32; 2], scales_x: whole of f32, scales_y: whole of f32,
          mixed[length, ny]: slices of [f32; 2];
    writes volume[1, (2 * nx * ny)]: f32;
    // One workgroup per column.
    domain |output| Domain::rows(
        Extent { columns: ny * SHADER.workgroup[0], ..output },
        4.0 * f64::from(ny) * f64::from(length) * f64::from(length.ilog2() + 2),
    );
}

/// What undoes the window for so many voxels, the middle one of which is number ⌊voxels/2⌋, on a grid of `points`.
fn scales(voxels: u32, points: u32) -> Vec<f32> {
    let window = gather::window();
    let middle = f64::from(voxels / 2);
    (0..voxels).map(|x| (1.0 / window.transform((f64::from(x) - middle) / f64::from(points))) as f32).collect()
}

/// Number in a transform of so many `points` of the first of so many voxels: their middle is at a quarter.
pub fn first(voxels: u32, points: u32) -> u32 {
    points / 4 - voxels / 2
}

/// Records the transform of `mixed` (pairs × Gx × ny), whose rows have been transformed from `gy` points, to slices of `nx` × ny.
///
/// Returns pairs × 1 × 2·ny·nx: the slices one behind the other.
pub fn record(graph: &mut Graph<'_>, mixed: Buffer<[f32; 2]>, nx: u32, gy: u32) -> Buffer<f32> {
    let Extent { slices, rows: length, columns: ny } = graph.extent(mixed);
    let twiddles = graph.upload_table("columns.twiddles", &twiddles(length as usize));
    let scales_x = graph.upload_table("columns.scales_x", &scales(nx, length));
    let scales_y = graph.upload_table("columns.scales_y", &scales(ny, gy));
    let volume = graph.buffer("columns.volume", Extent { slices, rows: 1, columns: 2 * nx * ny });
    let kernel = Columns { length, first: first(nx, length), nx, ny };
    kernel.compute(graph, "columns", twiddles, scales_x, scales_y, mixed, volume)
}

fn twin(
    kernel: &Columns,
    block: &Block,
    twiddles: &[[f32; 2]],
    scales_x: &[f32],
    scales_y: &[f32],
    mixed: &[[f32; 2]],
    volume: &mut [f32],
) {
    let [n, nx, ny] = [kernel.length, kernel.nx, kernel.ny].map(|n| n as usize);
    for (pair, slices) in block.rows.clone().zip(volume.chunks_exact_mut(2 * nx * ny)) {
        let mixed = &mixed[pair * n * ny..][..n * ny];
        let (real, imaginary) = slices.split_at_mut(nx * ny);
        let bands = real.par_chunks_mut(LANES * nx).zip(imaginary.par_chunks_mut(LANES * nx));
        bands.enumerate().for_each(|(index, (real, imaginary))| {
            let y = index * LANES;
            band(kernel, y, twiddles, [scales_x, &scales_y[y..]], mixed, [real, imaginary]);
        });
    }
}

vectorised! {
    /// Rows of both slices from number `y` on, up to sixteen.
    fn band(
        kernel: &Columns,
        y: usize,
        twiddles: &[[f32; 2]],
        scales: [&[f32]; 2],
        mixed: &[[f32; 2]],
        slices: [&mut [f32]; 2],
    ) {
        let [n, first, nx, ny] = [kernel.length, kernel.first, kernel.nx, kernel.ny].map(|n| n as usize);
        let wide = (ny - y).min(LANES);
        let mut signal = Signals::new(n);
        for (place, (re, im)) in signal.re.iter_mut().zip(&mut signal.im).enumerate() {
            let row = &mixed[centred(place, n) * ny + y..][..wide];
            for ((re, im), value) in re.0.iter_mut().zip(&mut im.0).zip(row) {
                [*re, *im] = *value;
            }
        }
        // SAFETY: `V` is what the caller is built for.
        unsafe { signal.back::<V>(twiddles) };
        for (part, slice) in [&signal.re, &signal.im].into_iter().zip(slices) {
            for x in (0..nx).step_by(LANES) {
                let columns = LANES.min(nx - x);
                let mut square = [[0.0; LANES]; LANES];
                square.iter_mut().zip(&part[first + x..]).take(columns).for_each(|(to, values)| *to = values.0);
                // SAFETY: as above.
                unsafe { transpose::<V>(&mut square) };
                for ((row, values), scale_y) in slice.chunks_exact_mut(nx).zip(&mut square).zip(scales[1]) {
                    for (value, scale_x) in values.iter_mut().zip(&scales[0][x..]) {
                        *value *= scale_x * scale_y;
                    }
                    copy_lanes(values, &mut row[x..x + columns]);
                }
            }
        }
    }
}
