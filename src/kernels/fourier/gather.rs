//! Frequency grid of a slice from polar samples: every point sums over the samples around it.
//!
//! ```text
//! G(a, b) = (−i)^(a + b) · Σ_s S(s) · w(a − κx_s) · w(b − κy_s)
//! κx = m·x_k·Gx/n,   κy = m·y_k·Gy/n      of frequency m of view k, modulo Gx and Gy
//! ```
//! with w the window of Kaiser and Bessel ([`KaiserBessel`]), x_k and y_k the columns from voxel to voxel ([`RowForm`]), and Gx × Gy the
//! size of the grid, at least twice the slice's. It is the adjoint of interpolation from the grid to the samples (a non-uniform
//! transform of type 1; Greengard, Lee, SIAM Rev. 46:443, 2004), and gathers: no sum has two writers. The factor moves the middle of
//! the image to a quarter of its period, so that all of it lies in the lower half that [`super::rows`] gives.
//!
//! Samples are sorted by cell, the first point along either axis that they add to, so that those of one row of cells that reach a
//! point are neighbours. Samples whose window goes beyond the end of the grid stand
//! there twice. The sums of a point over each row of cells are added up first to last. w is interpolated in a table; it is off by at most h²/8·max|w″| < 4·10⁻⁶ for h = 1/256 of a point.
//!
//! Rows run along x, with zero frequency in the middle, and columns along y, in bit-reversed order.
//!
//! Shapes: `[pair][Gx][Gy]` ← `[pair][view][2n]`. Tier P.

use super::{spectra::RowForm, transform::centred, window::KaiserBessel};
use crate::{kernels::prelude::*, parallel::*, vectorised::Vectors};

/// Points along either axis that a sample adds to.
pub const WIDTH: usize = 6;
/// How often the slice fits the grid's period, at least.
pub const OVERSAMPLING: f64 = 2.0;
/// Rows of the window's table between two points.
const STEPS: usize = 256;
/// Numbers of one of its rows: the weights of up to eight points, each twice, for real and imaginary parts.
const ROW: usize = LANES;

kernel! {
    /// Sums at the points of a grid: its rows and columns, the window's width in points, the views and the samples of each.
    struct Gather { rows, columns, width, view_count, view_samples: u32 }
    shader fourier/gather + fourier/centred, Pinned, [64, 4];
    structs Entry;
    reads weights: whole of f32, starts: whole of u32, entries: whole of Entry,
          samples[view_count, view_samples]: slices of [f32; 2];
    writes grid[rows, columns]: [f32; 2];
    operations 20.0 * f64::from(width * width) * f64::from(view_count) * f64::from(view_samples)
        / (f64::from(rows) * f64::from(columns));
}

shader_struct! {
    /// A sample where it adds to the grid.
    pub struct Entry {
        /// Number of the sample in a slice's stack; that of its column of cells.
        pub sample, cell: u32,
        /// Rows of the window's table that belong to the first point across, and along the row.
        pub row_place, column_place: f32,
    }
}

/// The window that is used.
#[must_use]
pub fn window() -> KaiserBessel {
    KaiserBessel::new(WIDTH, OVERSAMPLING)
}

/// The window at all points, for places of the first one in steps of 1/[`STEPS`] of a point.
fn table() -> Vec<f32> {
    let window = window();
    let mut table = vec![0.0; (STEPS + 2) * ROW];
    for (step, row) in table.chunks_exact_mut(ROW).enumerate() {
        for (tap, weights) in row.chunks_exact_mut(2).enumerate().take(WIDTH) {
            let t = step as f64 / STEPS as f64 - WIDTH as f64 / 2.0 + tap as f64;
            weights.fill(window.at(t) as f32);
        }
    }
    table
}

/// Samples sorted by cell.
struct Places {
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

impl Places {
    fn new(forms: &[RowForm], n: usize, size: [usize; 2]) -> Self {
        let cells = size.map(|points| points + WIDTH - 1);
        // Of a coordinate in periods: cells, one or two, and the table's row.
        let taps = |periods: f64, points: usize| {
            let start = (periods - periods.floor()) * points as f64 - WIDTH as f64 / 2.0;
            let first = start.ceil();
            let cell = first as i64 + WIDTH as i64 - 1;
            let (period, last) = (points as i64, (points + WIDTH - 2) as i64);
            let other = if cell < period { cell + period } else { cell - period };
            let other = (0..=last).contains(&other).then_some(other as usize);
            ([Some(cell as usize), other], ((first - start) * STEPS as f64) as f32)
        };
        let of_view = |(view, form): (usize, &RowForm)| {
            let mut found = Vec::with_capacity(2 * n + 2 * n / 8);
            for number in 0..2 * n {
                let m = number as f64 / n as f64 - 1.0;
                let sample = (view * 2 * n + number) as u32;
                let (rows, row_place) = taps(m * form.x + 0.5, size[0]);
                let (columns, column_place) = taps(m * form.y + 0.5, size[1]);
                for row in rows.into_iter().flatten() {
                    for column in columns.into_iter().flatten() {
                        let entry = Entry { sample, cell: column as u32, row_place, column_place };
                        found.push((row * cells[1] + column, entry));
                    }
                }
            }
            found
        };
        let found: Vec<Vec<(usize, Entry)>> = forms.par_iter().enumerate().map(of_view).collect();
        let mut starts = vec![0_u32; cells[0] * cells[1] + 1];
        found.iter().flatten().for_each(|(cell, _)| starts[cell + 1] += 1);
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let none = Entry { sample: 0, cell: 0, row_place: 0.0, column_place: 0.0 };
        let mut entries = vec![none; sum as usize];
        let mut next = starts.clone();
        for (cell, entry) in found.iter().flatten() {
            entries[next[*cell] as usize] = *entry;
            next[*cell] += 1;
        }
        Self { starts, entries }
    }
}

/// Window, cells and samples of some views: computed and uploaded once, for any number of stacks.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    weights: Buffer<f32>,
    starts: Buffer<u32>,
    entries: Buffer<Entry>,
    size: [u32; 2],
}

impl Tables {
    /// Records the upload of the tables for views of `2n` samples on a grid of the size Gx × Gy, powers of two and at least 16 and twice the
    /// slice's size each.
    pub fn record(graph: &mut Graph<'_>, forms: &[RowForm], n: usize, size: [u32; 2]) -> Self {
        let places = Places::new(forms, n, size.map(|points| points as usize));
        let weights = graph.upload_table("gather.weights", &table());
        let starts = graph.upload_table("gather.starts", &places.starts);
        let entries = graph.upload_table("gather.entries", &places.entries);
        Self { weights, starts, entries, size }
    }
}

/// Records the sums of `samples` (pairs × views × 2n), of the tables' views, into `grid` (pairs × Gx × Gy).
pub fn record(graph: &mut Graph<'_>, tables: &Tables, samples: Buffer<[f32; 2]>, grid: Write) {
    let Extent { rows: view_count, columns: view_samples, .. } = graph.extent(samples);
    let Tables { weights, starts, entries, size: [rows, columns] } = *tables;
    let kernel = Gather { rows, columns, width: WIDTH as u32, view_count, view_samples };
    kernel.compute(graph, "gather", weights, starts, entries, samples, grid);
}

vectorised! {
    fn twin(
        kernel: &Gather,
        block: &Block,
        weights: &[f32],
        starts: &[u32],
        entries: &[Entry],
        samples: &[[f32; 2]],
        grid: &mut [[f32; 2]],
    ) {
        let Gather { rows, columns, width, view_count, view_samples } = *kernel;
        let [rows, columns, width, views, of_view] =
            [rows, columns, width, view_count, view_samples].map(|n| n as usize);
        let cells = columns + width - 1;
        let weights = weights.as_chunks::<ROW>().0;
        // Sums at the points of a row by the cells of its samples, of one row of cells and of all; before the first point and behind
        // the last one there is room.
        let mut sums = vec![[0.0; 2]; cells + ROW];
        let mut of_cells = sums.clone();
        for (row, out) in block.rows.clone().zip(grid.chunks_exact_mut(columns)) {
            let i = row % rows;
            let samples = &samples[row / rows * views * of_view..][..views * of_view];
            sums.fill([0.0; 2]);
            for cell_row in 0..width {
                let first = (i + cell_row) * cells;
                let entries = &entries[starts[first] as usize..starts[first + cells] as usize];
                of_cells.fill([0.0; 2]);
                // SAFETY: `V` is what the caller is built for.
                unsafe { add_up::<V>(&mut of_cells, weights, 2 * (width - 1 - cell_row), entries, samples) };
                let parts = of_cells.as_flattened();
                sums.as_flattened_mut().iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
            }
            for (place, out) in out.iter_mut().enumerate() {
                let j = centred(place, columns);
                let [re, im] = sums[j + width - 1];
                // The image is shifted by a quarter of its period.
                let turned = match (i + j) % 4 {
                    0 => [re, im],
                    1 => [im, -re],
                    2 => [-re, -im],
                    _ => [-im, re],
                };
                *out = if block.resume { [out[0] + turned[0], out[1] + turned[1]] } else { turned };
            }
        }
    }
}

/// Sums of the samples of a row of cells at the points from each cell on, where there are zeros; `tap` is the place of the row's weight in
/// a row of the table.
///
/// The sums at the points that the last sample has reached stay in a register, which moves on with the cells: what is stored is not read
/// again.
#[inline(always)]
unsafe fn add_up<V: Vectors>(
    sums: &mut [[f32; 2]],
    weights: &[[f32; ROW]],
    tap: usize,
    entries: &[Entry],
    samples: &[[f32; 2]],
) {
    const NUMBERS: [i32; LANES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    const PARTS: [i32; LANES] = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1];
    // SAFETY: the caller has the instruction set.
    let (numbers, is_real, none) =
        unsafe { (V::integers(&NUMBERS), V::below(V::integers(&PARTS), V::splat_integer(1)), V::splat(0.0)) };
    let mut cell = 0;
    let mut sum = none;
    for entry in entries {
        let Some(sums) = sums.get_mut(entry.cell as usize..) else { return };
        let Some(sums) = sums.as_flattened_mut().first_chunk_mut::<LANES>() else { return };
        let [re, im] = samples[entry.sample as usize];
        // SAFETY: places are below the table's length; the caller has the instruction set.
        unsafe {
            let whole = entry.row_place.to_int_unchecked::<i32>() as usize;
            let (low, high) = (weights[whole][tap], weights[whole + 1][tap]);
            let across = low + (entry.row_place - whole as i32 as f32) * (high - low);

            let whole = entry.column_place.to_int_unchecked::<i32>() as usize;
            let (low, high) = (V::floats(&weights[whole]), V::floats(&weights[whole + 1]));
            let share = V::splat(entry.column_place - whole as i32 as f32);
            let along = V::add(low, V::mul(share, V::sub(high, low)));

            let value = V::choose(is_real, V::splat(re), V::splat(im));
            let product = V::mul(V::mul(V::splat(across), along), value);
            let moved = 2 * (entry.cell - cell).min(ROW as u32 / 2) as i32;
            cell = entry.cell;
            sum = V::add(V::pick_from(sum, none, V::add_integers(numbers, V::splat_integer(moved))), product);
            *sums = V::lanes(sum);
        }
    }
}
